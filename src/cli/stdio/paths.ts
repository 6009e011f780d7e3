/**
 * Paths that name the program's own streams. Deno opens them only with all
 * permissions, while the streams themselves need none.
 *
 * @module
 */

/** By file descriptor; `-` is stdin wherever a file is read. */
const NAMES = [
  ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"],
  ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"],
  ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"],
] as const;

/** Whether a path to read from is stdin. */
export function isStdin(path: unknown): boolean {
  return NAMES[0].some((name) => name === path);
}

/** The stream that a path to write to names; undefined for a file. */
export function outputOf(path: string): "stdout" | "stderr" | undefined {
  if (NAMES[1].some((name) => name === path)) return "stdout";
  return NAMES[2].some((name) => name === path) ? "stderr" : undefined;
}
