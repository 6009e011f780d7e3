// Runs the program, and then tries what it may still do: a line of JSON.

import { main } from "../../src/cli/main.ts";

/** Each needs one permission, and does nothing that lasts. */
const ATTEMPTS: Record<string, () => unknown> = {
  net: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
  read: () => Deno.readFileSync(new URL(import.meta.url)),
  write: () => Deno.removeSync(Deno.makeTempFileSync()),
  run: () => new Deno.Command("true").outputSync(),
  env: () => Deno.env.get("HOME"),
  sys: () => Deno.hostname(),
  // No library, which is another error.
  ffi: () => Deno.dlopen(new URL(import.meta.url), {}),
};

function isAllowed(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotCapable);
  }
}

const status = await main(Deno.args);
const allowed = Object.keys(ATTEMPTS).filter((it) => isAllowed(ATTEMPTS[it]!));
const importing = await importPermission();
// deno-lint-ignore no-console -- read by the test
console.log(JSON.stringify({ status, allowed, importing }));

/** Code from elsewhere: allowed for some hosts unless given back. */
async function importPermission(): Promise<string> {
  const { state } = await Deno.permissions.query(
    { name: "import" } as unknown as Deno.PermissionDescriptor,
  );
  return state;
}
