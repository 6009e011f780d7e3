/**
 * Calls `deno compile`.
 *
 * @module
 */
import { deno } from "./processes.ts";

/** Compiles an entry, with files that it reads. */
export async function compile(
  entry: string,
  included: string[],
  output: string,
  flags: string[],
  env?: Record<string, string>,
): Promise<void> {
  await deno([
    "compile",
    "--quiet",
    // All is in the bundle, and was checked when it was tested.
    "--no-config",
    "--no-lock",
    "--no-check",
    // Of deno.json, which is not read here.
    "--unstable-worker-options",
    // See code_cache.ts.
    "--no-code-cache",
    ...included.flatMap((path) => ["--include", path]),
    ...flags,
    "--output",
    output,
    entry,
  ], { env });
}
