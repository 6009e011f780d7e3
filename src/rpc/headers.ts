/**
 * What headers may be, and how large they are.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { isBytes } from "./bytes.ts";
import type { HeaderValue, MessageHeaders } from "./messages.ts";
import { kindOf } from "./texts.ts";

/** By these RabbitMQ sends a message to further queues. */
const COPY_HEADERS = ["CC", "BCC"];

/** Of a signed integer of 64 bits. */
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/**
 * The headers of a message to send, checked.
 *
 * @throws {RangeError} for those that would send copies of the message, and
 * for numbers that no header can hold: those that are not finite (RabbitMQ ends
 * connections for them), a bigint of more than 64 bits, and times that are none.
 * @throws {TypeError} for what is no header at all.
 */
export function checkHeaders(headers: MessageHeaders): MessageHeaders {
  if (!isTable(headers)) {
    throw new TypeError(
      `headers must be an object of names and values, got ${kindOf(headers)}`,
    );
  }
  const copies = COPY_HEADERS.find((name) => name in headers);
  if (copies !== undefined) {
    throw new RangeError(
      `headers must not have "${copies}": RabbitMQ would send the message to ` +
        "other queues as well",
    );
  }
  for (const name of Object.keys(headers)) checkValue(name, headers[name]);
  return headers;
}

function checkValue(name: string, value: HeaderValue): void {
  switch (typeof value) {
    case "number":
      if (Number.isFinite(value)) return;
      throw new RangeError(
        `numbers in headers must be finite, "${name}" has ${value}`,
      );
    case "bigint":
      if (value >= INT64_MIN && value <= INT64_MAX) return;
      throw new RangeError(
        `a bigint in headers must fit 64 bits with a sign, "${name}" has ` +
          `${value}`,
      );
    case "object":
      return checkObject(name, value);
    case "function":
    case "symbol":
      throw notAHeader(name, value);
  }
}

function checkObject(name: string, value: object | null): void {
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw new RangeError(`a Date in headers must be valid, "${name}" is not`);
  }
  if (!isNested(value)) return;
  if (!Array.isArray(value) && !isTable(value)) throw notAHeader(name, value);
  for (const inner of Object.values(value)) checkValue(name, inner);
}

function notAHeader(name: string, value: unknown): TypeError {
  return new TypeError(
    `the header "${name}" can't be sent: it is ${kindOf(value)}. Headers are ` +
      "text, numbers, bigints, booleans, null, Dates, bytes, and arrays and " +
      "plain objects of these",
  );
}

/** What has names and values of its own; a Map, say, has none. */
function isTable(value: unknown): value is object {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** Type and the longest of the numbers, a date included. */
const SCALAR_BYTES = 9;
/** Type and length of text, bytes, arrays and tables. */
const LONG_BYTES = 5;

/** How large a header table is. */
export interface HeaderSize {
  /** Values, those within arrays and tables included. */
  count: number;
  /** About what they take on the wire, where a number may be shorter. */
  bytes: number;
}

/** Walks without recursion: tables of strangers may be nested very deep. */
export function headerSize(headers: MessageHeaders): HeaderSize {
  const size = { count: 0, bytes: 0 };
  const open: object[] = [];
  const add = (value: HeaderValue) => {
    size.count++;
    size.bytes += ownBytes(value);
    if (isNested(value)) open.push(value);
  };
  for (
    let table: object | undefined = headers;
    table !== undefined;
    table = open.pop()
  ) {
    if (Array.isArray(table)) table.forEach(add);
    else {
      for (const name of Object.keys(table)) {
        size.bytes += 1 + Buffer.byteLength(name);
        add((table as MessageHeaders)[name]);
      }
    }
  }
  return size;
}

/** Without what a table or an array holds. */
function ownBytes(value: HeaderValue): number {
  if (typeof value === "string") return LONG_BYTES + Buffer.byteLength(value);
  if (typeof value !== "object") return SCALAR_BYTES;
  if (isBytes(value)) return LONG_BYTES + value.byteLength;
  return isNested(value) ? LONG_BYTES : SCALAR_BYTES;
}

/** Whether it is a table or an array. */
function isNested(value: HeaderValue): value is object {
  return typeof value === "object" && value !== null &&
    !(value instanceof Date) && !isBytes(value);
}
