/**
 * Files that `.ci/compile/` puts into the executable, beside its entry.
 *
 * @module
 */

/** The bundled program. */
export const PROGRAM = "program.txt";
/** The code of it; only there for the platform that the executable was built on. */
export const CODE_CACHE = "program.cache";
/** Which commit was built. */
export const COMMIT = "build.txt";

/** Where one of them is. */
export function besideEntry(name: string): URL {
  return new URL(name, Deno.mainModule);
}

/** What one of them has; undefined where it was not put there. */
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
