/**
 * Values as JSON, and bodies inside JSON.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isBytes } from "./bytes.ts";

/** MIME type of a body that is JSON. */
export const JSON_CONTENT_TYPE = "application/json";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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

const BASE64_CHARACTERS = /^[\w+/-]*={0,2}$/;

/**
 * The bytes that a `body_base64` stands for, in either alphabet, with or
 * without padding; undefined if it is no base64. (One pattern for all of it
 * would overflow the stack.)
 */
export function parseBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string" || !BASE64_CHARACTERS.test(value)) return;
  const { length } = value;
  const isWhole = value.endsWith("=") ? length % 4 === 0 : length % 4 !== 1;
  return isWhole ? new Uint8Array(Buffer.from(value, "base64")) : undefined;
}

/**
 * A value, other than undefined, as JSON. What JSON would lose silently is an
 * error.
 *
 * @throws {TypeError} if JSON can't hold the value.
 */
export function encodeJson(value: unknown): string {
  const json: string | undefined = JSON.stringify(value, refuseWhatIsLost);
  if (json === undefined) throw new TypeError("a toJSON that returns nothing");
  return json;
}

/** The usual mistake: a promise within the value was not awaited. */
const LOST_CLASSES = [
  Promise,
  Map,
  Set,
  RegExp,
  Error,
  Blob,
  ReadableStream,
  Request,
  Response,
];

/** `JSON.stringify` itself turns these into null or {}, or leaves them out. */
function refuseWhatIsLost(key: string, value: unknown): unknown {
  const kind = lostKind(value);
  if (kind === undefined) return value;
  throw new TypeError(key ? `${kind} in ${JSON.stringify(key)}` : kind);
}

function lostKind(value: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : `the number ${value}`;
    case "bigint":
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    case "object":
      return isLostObject(value) ? value.constructor.name : undefined;
    default:
      return undefined;
  }
}

function isLostObject(value: object | null): value is object {
  return isBytes(value) ||
    LOST_CLASSES.some((kind) => value instanceof kind);
}
