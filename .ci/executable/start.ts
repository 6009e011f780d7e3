/**
 * Where the executable starts.
 *
 * @module
 */
import { CODE_CACHE, Program } from "./program.ts";

function codeCache(): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(new URL(CODE_CACHE, import.meta.url));
  } catch {
    // Not of this platform: V8 compiles as it goes.
    return undefined;
  }
}

Deno.exit(await new Program(codeCache()).run(Deno.args));
