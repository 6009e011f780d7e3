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

/** All properties, from flag bit 15 down. The last one is deprecated. */
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

const CLUSTER_ID = PROPERTIES.length - 1;
const FIRST_FLAG = 0x8000;
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
  const found: Record<string, unknown> = {};
  let flags = readFlags(reader);
  while (flags !== 0) {
    // The highest bit of the 16 lower ones of 32.
    const bit = Math.clz32(flags) - 16;
    flags &= ~(FIRST_FLAG >> bit);
    const [name, kind] = PROPERTIES[bit]!;
    const value = readProperty(reader, kind);
    if (bit !== CLUSTER_ID) found[name] = value;
  }
  return found;
}

function readProperty(reader: Reader, kind: PropertyKind): unknown {
  switch (kind) {
    case "shortstr":
      return reader.text();
    case "octet":
      return reader.octet();
    case "table":
      return readValues(reader);
    case "timestamp":
      return new Date(reader.longlong() * 1000);
  }
}

/**
 * Writes properties; null and undefined ones are left out. By hand, which costs
 * a third of a loop over the table above. (A test holds it against the table.)
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
