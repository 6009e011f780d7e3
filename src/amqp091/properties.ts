/**
 * The properties of a message, in the order of the wire.
 *
 * @module
 */
import type { ByteWriter } from "./byte_writer.ts";
import { AmqpError } from "./errors.ts";
import type { Reader } from "./reader.ts";
import { readValues, type Values, writeValues } from "./values.ts";

/** The properties of a message, all optional. */
export interface Properties {
  contentType?: string;
  contentEncoding?: string;
  headers?: Values;
  deliveryMode?: number;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  /** In ms, as a decimal string. */
  expiration?: string;
  messageId?: string;
  /** To the second. */
  timestamp?: Date;
  type?: string;
  userId?: string;
  appId?: string;
}

/** The type of a property on the wire. */
export type PropertyKind = "shortstr" | "table" | "octet" | "timestamp";

/**
 * All properties, from flag bit 15 down; the last one is deprecated. Reading
 * and writing have them once more below, in code that costs a third of a loop
 * over this table. (A test holds it against the table.)
 */
export const PROPERTIES: readonly (readonly [string, PropertyKind])[] = [
  ["contentType", "shortstr"],
  ["contentEncoding", "shortstr"],
  ["headers", "table"],
  ["deliveryMode", "octet"],
  ["priority", "octet"],
  ["correlationId", "shortstr"],
  ["replyTo", "shortstr"],
  ["expiration", "shortstr"],
  ["messageId", "shortstr"],
  ["timestamp", "timestamp"],
  ["type", "shortstr"],
  ["userId", "shortstr"],
  ["appId", "shortstr"],
  ["clusterId", "shortstr"],
];

/** Bit 0 announces more flags, bit 1 belongs to no property. */
const UNKNOWN_FLAGS = 0b11;

/**
 * Reads the flags before the properties: a bit for each one that is present.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR for an undefined bit.
 */
export function readFlags(reader: Reader): number {
  const flags = reader.short();
  if ((flags & UNKNOWN_FLAGS) === 0) return flags;
  throw new AmqpError("SYNTAX_ERROR", "unknown property flags");
}

/**
 * Reads properties. The deprecated cluster id is skipped.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR if they are malformed.
 */
export function readProperties(reader: Reader): Properties {
  const found: Properties = {};
  const flags = readFlags(reader);
  if (flags & 0x8000) found.contentType = reader.text();
  if (flags & 0x4000) found.contentEncoding = reader.text();
  if (flags & 0x2000) found.headers = readValues(reader);
  if (flags & 0x1000) found.deliveryMode = reader.octet();
  if (flags & 0x0800) found.priority = reader.octet();
  if (flags & 0x0400) found.correlationId = reader.text();
  if (flags & 0x0200) found.replyTo = reader.text();
  if (flags & 0x0100) found.expiration = reader.text();
  if (flags & 0x0080) found.messageId = reader.text();
  if (flags & 0x0040) found.timestamp = new Date(reader.longlong() * 1000);
  if (flags & 0x0020) found.type = reader.text();
  if (flags & 0x0010) found.userId = reader.text();
  if (flags & 0x0008) found.appId = reader.text();
  if (flags & 0x0004) reader.skip(reader.octet());
  return found;
}

/**
 * Writes properties; null and undefined ones are left out.
 *
 * @throws {RangeError} for a text of more than 255 bytes.
 * @throws {TypeError} for a header that no type of field can hold.
 */
export function writeProperties(writer: ByteWriter, given: Properties): void {
  const start = writer.length;
  writer.short(0);
  const flags = writeText(writer, given.contentType, 0x8000) |
    writeText(writer, given.contentEncoding, 0x4000) |
    writeHeaders(writer, given.headers) |
    writeOctet(writer, given.deliveryMode, 0x1000) |
    writeOctet(writer, given.priority, 0x0800) |
    writeText(writer, given.correlationId, 0x0400) |
    writeText(writer, given.replyTo, 0x0200) |
    writeText(writer, given.expiration, 0x0100) |
    writeText(writer, given.messageId, 0x0080) |
    writeTimestamp(writer, given.timestamp) |
    writeText(writer, given.type, 0x0020) |
    writeText(writer, given.userId, 0x0010) |
    writeText(writer, given.appId, 0x0008);
  writer.setShort(start, flags);
}

/** Plain JavaScript may pass null. */
function isAbsent(value: unknown): value is undefined {
  return value === undefined || value === null;
}

function writeText(
  writer: ByteWriter,
  value: string | undefined,
  flag: number,
): number {
  if (isAbsent(value)) return 0;
  writer.text(value);
  return flag;
}

function writeOctet(
  writer: ByteWriter,
  value: number | undefined,
  flag: number,
): number {
  if (isAbsent(value)) return 0;
  writer.octet(value);
  return flag;
}

function writeHeaders(writer: ByteWriter, value: Values | undefined): number {
  if (isAbsent(value)) return 0;
  writeValues(writer, value);
  return 0x2000;
}

function writeTimestamp(writer: ByteWriter, value: Date | undefined): number {
  if (isAbsent(value)) return 0;
  writer.longlong(Math.floor(value.getTime() / 1000));
  return 0x0040;
}
