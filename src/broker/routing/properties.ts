/**
 * The properties of a message, kept as the bytes that its publisher sent. The
 * broker checks them once, and decodes only the few that it needs.
 */
import {
  PROPERTIES,
  type PropertyKind,
  readFlags,
} from "../../amqp091/properties.ts";
import { Reader, toBytes } from "../../amqp091/reader.ts";
import {
  readTable,
  skipTable,
  type Table,
  tableField,
} from "../../amqp091/table.ts";

const HEADERS = 2;
const PRIORITY = 4;
const REPLY_TO = 6;
const EXPIRATION = 7;
const USER_ID = 11;

/** What the broker needs to know about a message's properties. */
export interface Inspected {
  priority: number;
  replyTo: string | undefined;
  expiration: string | undefined;
  userId: string | undefined;
  /** Whether the headers contain "CC" or "BCC", which hold routing keys. */
  hasCopies: boolean;
  /** Whether headers are not sorted by name, or repeat a name. */
  unordered: boolean;
}

const C = 0x43;
const B = 0x42;

/**
 * Checks properties and picks out what the broker needs.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR if they are malformed.
 */
export function inspect(bytes: Uint8Array): Inspected {
  const found: Inspected = {
    priority: 0,
    replyTo: undefined,
    expiration: undefined,
    userId: undefined,
    hasCopies: false,
    unordered: false,
  };
  const reader = new Reader(bytes);
  const flags = readFlags(reader);
  for (let bit = 0; flags << bit & 0xffff; bit++) {
    if (!(flags << bit & 0x8000)) continue;
    if (bit === HEADERS) {
      let before = 0;
      let beforeEnd = 0;
      skipTable(reader, (b, start, end) => {
        const size = end - start;
        found.unordered ||= beforeEnd > 0 &&
          !precedes(b, before, beforeEnd, start, end);
        [before, beforeEnd] = [start, end];
        found.hasCopies ||= b[end - 1] === C && b[end - 2] === C &&
          (size === 2 || size === 3 && b[start] === B);
      });
    } else if (bit === PRIORITY) found.priority = reader.octet();
    else if (bit === REPLY_TO) found.replyTo = reader.shortstr();
    else if (bit === EXPIRATION) found.expiration = reader.shortstr();
    else if (bit === USER_ID) found.userId = reader.shortstr();
    else skip(reader, PROPERTIES[bit][1]);
  }
  reader.finish();
  return found;
}

/** Whether the first range of octets sorts before the second. */
function precedes(
  bytes: Uint8Array,
  first: number,
  firstEnd: number,
  second: number,
  secondEnd: number,
): boolean {
  while (first < firstEnd && second < secondEnd) {
    const difference = bytes[first++] - bytes[second++];
    if (difference !== 0) return difference < 0;
  }
  return first === firstEnd && second < secondEnd;
}

function skip(reader: Reader, kind: PropertyKind): void {
  if (kind === "shortstr") reader.skip(reader.octet());
  else if (kind === "octet") reader.skip(1);
  else if (kind === "timestamp") reader.skip(8);
  else reader.skip(reader.long());
}

/** The headers of properties that `inspect` has accepted. */
export function headersOf(bytes: Uint8Array): Table {
  const reader = new Reader(bytes);
  const flags = readFlags(reader);
  if (!(flags & 0x8000 >> HEADERS)) return [];
  for (let bit = 0; bit < HEADERS; bit++) {
    if (flags << bit & 0x8000) skip(reader, PROPERTIES[bit][1]);
  }
  return readTable(reader);
}

/** Changes to properties; everything else stays as it is. */
export interface Edits {
  headers?: Table;
  replyTo?: string;
  /** Removes the expiration. */
  dropExpiration?: boolean;
}

/** Properties with these edits; everything else is kept byte for byte. */
export function edit(bytes: Uint8Array, edits: Edits): Uint8Array {
  const reader = new Reader(bytes);
  const flags = readFlags(reader);
  let newFlags = 0;
  const parts: Uint8Array[] = [];
  PROPERTIES.forEach(([, kind], bit) => {
    const start = reader.position;
    const present = (flags << bit & 0x8000) !== 0;
    if (present) skip(reader, kind);
    const replaced = replacement(edits, bit);
    const part = replaced ?? bytes.subarray(start, reader.position);
    if (part.length === 0) return;
    newFlags |= 0x8000 >> bit;
    parts.push(part);
  });
  const size = parts.reduce((sum, part) => sum + part.length, 2);
  const edited = new Uint8Array(size);
  edited[0] = newFlags >>> 8;
  edited[1] = newFlags;
  let at = 2;
  for (const part of parts) {
    edited.set(part, at);
    at += part.length;
  }
  return edited;
}

/** The new bytes of a property, empty to remove it; undefined to keep it. */
function replacement(edits: Edits, bit: number): Uint8Array | undefined {
  if (bit === HEADERS && edits.headers !== undefined) {
    return tableField(edits.headers).bytes;
  }
  if (bit === REPLY_TO && edits.replyTo !== undefined) {
    return toBytes(String.fromCharCode(edits.replyTo.length) + edits.replyTo);
  }
  if (bit === EXPIRATION && edits.dropExpiration) return new Uint8Array(0);
  return undefined;
}
