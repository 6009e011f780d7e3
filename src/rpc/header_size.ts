/**
 * How large a header table is.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { HeaderValue, MessageHeaders } from "./transport.ts";

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
  const open: HeaderValue[] = [];
  const enter = (table: object) => {
    for (const [name, value] of Object.entries(table)) {
      size.count++;
      size.bytes += 1 + Buffer.byteLength(name);
      open.push(value);
    }
  };
  enter(headers);
  while (open.length > 0) {
    const value = open.pop();
    const bytes = ownBytes(value);
    size.bytes += bytes ?? LONG_BYTES;
    if (bytes !== undefined) continue;
    if (Array.isArray(value)) {
      size.count += value.length;
      // Not by spreading: arguments have a limit of their own.
      for (const item of value) open.push(item);
    } else enter(value as object);
  }
  return size;
}

/** Undefined for what holds other values. */
function ownBytes(value: HeaderValue): number | undefined {
  if (typeof value === "string") return LONG_BYTES + Buffer.byteLength(value);
  if (typeof value !== "object" || value === null) return SCALAR_BYTES;
  if (value instanceof Date) return SCALAR_BYTES;
  if (ArrayBuffer.isView(value)) return LONG_BYTES + value.byteLength;
  return undefined;
}
