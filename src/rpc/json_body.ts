/**
 * The body of a message inside a JSON object.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A body in JSON: as text where it is UTF-8, else as base64. */
export function jsonBody(
  bytes: Uint8Array,
): { body: string } | { body_base64: string } {
  try {
    return { body: utf8.decode(bytes) };
  } catch {
    return { body_base64: Buffer.from(bytes).toString("base64") };
  }
}
