/**
 * Bytes in whatever form plain JavaScript hands them in.
 *
 * @module
 */

/** Bytes in any of the forms that JavaScript has. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

const BUFFERS = ["[object ArrayBuffer]", "[object SharedArrayBuffer]"];

/** Whether it is bytes, of this realm or of another. */
export function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) ||
    BUFFERS.includes(Object.prototype.toString.call(value));
}

/**
 * The bytes in a buffer of their own, copied where they share one: others would
 * find in it what is not theirs.
 */
export function unsharedBytes(bytes: Uint8Array): Uint8Array {
  const owns = bytes.byteLength === bytes.buffer.byteLength;
  return owns ? bytes : new Uint8Array(bytes);
}

/** Bytes in one form, without a copy. */
export function bytesOf(bytes: Bytes): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
