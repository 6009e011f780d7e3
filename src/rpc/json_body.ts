/**
 * The body of a message inside a JSON object: `body` or `body_base64`.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** The characters of both alphabets, then padding. */
const BASE64 = /^[\w+/-]*={0,2}$/;

/** A body in JSON: as text if it is UTF-8, else as base64. */
export function jsonBody(
  bytes: Uint8Array,
): { body: string } | { body_base64: string } {
  try {
    return { body: utf8.decode(bytes) };
  } catch {
    return { body_base64: Buffer.from(bytes).toString("base64") };
  }
}

/**
 * The bytes of a `body_base64`, of either alphabet, with or without padding;
 * undefined if it is not base64.
 */
export function parseBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string" || !BASE64.test(value)) return undefined;
  const { length } = value;
  const fits = value.endsWith("=") ? length % 4 === 0 : length % 4 !== 1;
  return fits ? new Uint8Array(Buffer.from(value, "base64")) : undefined;
}
