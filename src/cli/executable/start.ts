/**
 * Where the executable starts: see `.ci/compile/`.
 *
 * @module
 */
import { CODE_CACHE, PROGRAM, Program } from "./program.ts";

function beside(name: string): URL {
  return new URL(name, import.meta.url);
}

function codeCache(): Uint8Array | undefined {
  try {
    return Deno.readFileSync(beside(CODE_CACHE));
  } catch (error) {
    // Built on another platform: V8 compiles as it goes.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const program = new Program(
  Deno.readTextFileSync(beside(PROGRAM)),
  codeCache(),
);
Deno.exit(await program.run(Deno.args));
