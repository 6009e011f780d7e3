/**
 * Names by pattern, where `*` stands for any text.
 *
 * @module
 */

/**
 * Whether a name matches; all but `*` is taken literally. At worst, it takes
 * time in proportion to the product of both lengths.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const [head, ...parts] = pattern.split("*");
  const tail = parts.pop();
  if (tail === undefined) return name === pattern;
  if (!name.startsWith(head!)) return false;
  let at = head!.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at + tail.length <= name.length && name.endsWith(tail);
}
