/**
 * Names of files that are this program's own streams. Deno opens none of them
 * without all permissions, and none is needed.
 *
 * @module
 */

/** By the number of the stream; `-` is stdin wherever a file is read. */
const NAMES = [
  ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"],
  ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"],
  ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"],
] as const;

/** Whether a path to read is stdin. */
export function isStdin(path: unknown): boolean {
  return NAMES[0].some((name) => name === path);
}

/** What a path to write is, where that is stdout or stderr. */
export function outputOf(path: string): "stdout" | "stderr" | undefined {
  if (NAMES[1].some((name) => name === path)) return "stdout";
  return NAMES[2].some((name) => name === path) ? "stderr" : undefined;
}
