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

/** Bytes in one form, without a copy. */
export function bytesOf(bytes: Bytes): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes;
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
