/**
 * The headers in a line of `--input ndjson`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { checkHeaders } from "../../../rpc/headers.ts";
import type { MessageHeaders } from "../../../rpc/messages.ts";

/** The longest name in AMQP. */
export const MAX_NAME_BYTES = 255;

/**
 * Checks the headers that were parsed from the text of a line.
 *
 * @throws {SyntaxError} whose message follows `line 37 of stdin`.
 */
export function parseHeaders(
  headers: unknown = {},
  text: string,
): MessageHeaders {
  if (!isObject(headers)) {
    throw new SyntaxError('has "headers" that are not an object');
  }
  Object.entries(headers).forEach(checkHeader);
  const numbers = Object.values(headers).filter(Number.isInteger);
  const exact: Record<string, unknown> = numbers.every(Number.isSafeInteger)
    ? headers
    : JSON.parse(text, keepInteger).headers;
  Object.entries(exact).forEach(checkInteger);
  try {
    return checkHeaders(exact as MessageHeaders);
  } catch (error) {
    throw new SyntaxError(`has an error: ${(error as Error).message}`);
  }
}

function checkHeader([name, value]: [string, unknown]): void {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new SyntaxError("has a header with a name longer than 255 bytes");
  }
  if (!["string", "number", "boolean"].includes(typeof value)) {
    throw new SyntaxError(
      `has a header ${JSON.stringify(name)} that is not a string, a ` +
        "number or a boolean",
    );
  }
  checkText("a header", `${name}${value}`);
}

function checkInteger([name, value]: [string, unknown]): void {
  if (typeof value !== "bigint" || BigInt.asIntN(64, value) === value) return;
  throw new SyntaxError(
    `has a header ${JSON.stringify(name)} of more than 64 bits: make it a ` +
      "string",
  );
}

/** Reads integers that are too large for a double as bigints. */
function keepInteger(
  _key: string,
  value: unknown,
  context?: { source: string },
): unknown {
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  const { source } = context!;
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/**
 * Half a surrogate pair has no UTF-8: something else would be sent.
 *
 * @throws {SyntaxError} naming `what` has it.
 */
export function checkText(what: string, text: string): void {
  if (text.isWellFormed()) return;
  throw new SyntaxError(`has ${what} with half a surrogate pair`);
}

/** Whether a JSON value is an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
