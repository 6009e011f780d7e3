// Runs the program where something fails that never should.

import { main } from "../../src/cli/main.ts";

Deno.permissions.revoke = () => Promise.reject(new TypeError("unheard of"));
Deno.exit(await main(Deno.args));
