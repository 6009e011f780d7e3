/**
 * Headers in a line of `--input ndjson`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { checkHeaders } from "../../../rpc/headers.ts";
import type { MessageHeaders } from "../../../rpc/messages.ts";

/** What AMQP has room for in a name. */
export const MAX_NAME_BYTES = 255;

/**
 * The headers of a line that was parsed from this text.
 *
 * @throws {SyntaxError} which says what the line has that can't be sent.
 */
export function parseHeaders(
  headers: unknown = {},
  text: string,
): MessageHeaders {
  if (!isObject(headers)) {
    throw new SyntaxError('has "headers" that are no object');
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
    throw new SyntaxError(`has a mistake: ${(error as Error).message}`);
  }
}

function checkHeader([name, value]: [string, unknown]): void {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new SyntaxError("has a header whose name is too long (255 bytes)");
  }
  if (!["string", "number", "boolean"].includes(typeof value)) {
    throw new SyntaxError(
      `has a header ${JSON.stringify(name)} that is neither a string, a ` +
        "number nor a boolean",
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

/** Whole numbers that a double would change, as bigints. */
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
 * Half a surrogate pair is no text, and would be sent as something else.
 *
 * @throws {SyntaxError} with `what` has it.
 */
export function checkText(what: string, text: string): void {
  if (text.isWellFormed()) return;
  throw new SyntaxError(`has ${what} with half a surrogate pair`);
}

/** Whether a value of JSON has names and values. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
