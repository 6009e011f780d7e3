/**
 * Files that `.ci/compile/` puts into the executable, beside its entry.
 *
 * @module
 */

/** The bundled program. */
export const PROGRAM = "program.txt";
/** Its compiled code; only for the platform that it was built on. */
export const CODE_CACHE = "program.cache";
/** The commit that was built. */
export const COMMIT = "build.txt";

/** The URL of one of them. */
export function besideEntry(name: string): URL {
  return new URL(name, Deno.mainModule);
}

/** Reads one of them; undefined if it is not there. */
export function readIfThere<T>(
  name: string,
  read: (file: URL) => T,
): T | undefined {
  try {
    return read(besideEntry(name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
