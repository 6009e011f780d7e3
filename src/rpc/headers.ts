/**
 * What headers may be, and how large they are.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { HeaderValue, MessageHeaders } from "./transport.ts";

/** By these RabbitMQ sends a message to further queues. */
const COPY_HEADERS = ["CC", "BCC"];

/**
 * The headers of a message of ours, where they are just that.
 *
 * @throws {RangeError} for those that would send copies of the message, and
 * for numbers that are not finite: RabbitMQ ends connections for them.
 */
export function checkHeaders(headers: MessageHeaders): MessageHeaders {
  const copies = COPY_HEADERS.find((name) => name in headers);
  if (copies !== undefined) {
    throw new RangeError(
      `headers must not have "${copies}": RabbitMQ would send the message to ` +
        "other queues as well",
    );
  }
  for (const [name, value] of Object.entries(headers)) {
    checkNumbers(name, value);
  }
  return headers;
}

function checkNumbers(name: string, value: HeaderValue): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(
      `numbers in headers must be finite, "${name}" has ${value}`,
    );
  }
  if (!isNested(value)) return;
  for (const inner of Object.values(value)) checkNumbers(name, inner);
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

/** Walks without recursion: nobody knows how deep a stranger's tables go. */
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
  if (ArrayBuffer.isView(value)) return LONG_BYTES + value.byteLength;
  return isNested(value) ? LONG_BYTES : SCALAR_BYTES;
}

/** Whether it is a table or an array. */
function isNested(value: HeaderValue): value is object {
  return typeof value === "object" && value !== null &&
    !(value instanceof Date) && !ArrayBuffer.isView(value);
}
