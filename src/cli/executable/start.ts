/**
 * The entry point of the executable: see `.ci/compile/`.
 *
 * @module
 */
import { besideEntry, CODE_CACHE, PROGRAM, readIfThere } from "./files.ts";
import { Program } from "./program.ts";

const program = new Program(
  Deno.readTextFileSync(besideEntry(PROGRAM)),
  readIfThere(CODE_CACHE, Deno.readFileSync),
);
Deno.exit(await program.run(Deno.args));
