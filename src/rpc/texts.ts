/**
 * Values in sentences for people.
 *
 * @module
 */

/** Units of sizes, the largest first. */
const BYTE_UNITS = [["GiB", 2 ** 30], ["MiB", 2 ** 20], [
  "KiB",
  2 ** 10,
]] as const;

/** A number of bytes: `16MiB`, `64KiB`, `1000000`. */
export function formatBytes(bytes: number): string {
  const fits = BYTE_UNITS.find(([, unit]) => bytes > 0 && bytes % unit === 0);
  return fits ? `${bytes / fits[1]}${fits[0]}` : `${bytes}`;
}

/** Milliseconds for people: `500ms`, `30s`, `2m`, `1h`. */
export function formatMs(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return `${Number((ms / 1000).toFixed(3))}s`;
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 request`, `1,000 requests`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * What strangers wrote: quoted, in one line without control characters, and cut
 * off after so many characters.
 */
export function quote(text: string, longest = 64): string {
  const shown = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return JSON.stringify(shown);
}

/** What a value is, for an error: `the number 5`, `a Map`, `undefined`. */
export function kindOf(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "undefined";
    case "number":
    case "bigint":
    case "boolean":
      return `the ${typeof value} ${value}`;
    case "string":
      return `the string ${quote(value, 40)}`;
    case "object":
      return objectKind(value);
    default:
      return `a ${typeof value}`;
  }
}

function objectKind(value: object | null): string {
  if (value === null) return "null";
  const name = value.constructor?.name || "Object";
  return `${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`;
}
