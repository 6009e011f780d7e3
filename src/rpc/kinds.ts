/**
 * Kinds of values that plain JavaScript may hand in, whatever the types say.
 *
 * @module
 */

/** Bytes in any of the forms that JavaScript has. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

const BUFFERS = ["[object ArrayBuffer]", "[object SharedArrayBuffer]"];

/** Whether it is bytes; those of other realms count as well. */
export function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) ||
    BUFFERS.includes(Object.prototype.toString.call(value));
}

/** Bytes in one form, without a copy. */
export function bytesOf(bytes: Bytes): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
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
      return `the string ${JSON.stringify(excerpt(value))}`;
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

const LONGEST_EXCERPT = 40;

function excerpt(text: string): string {
  return text.length <= LONGEST_EXCERPT
    ? text
    : `${text.slice(0, LONGEST_EXCERPT)}...`;
}
