/**
 * The properties of a message, in the order of the wire.
 *
 * @module
 */
import { AmqpError } from "./errors.ts";
import type { Reader } from "./reader.ts";
import { readValues, type Values, writeValues } from "./values.ts";
import type { Writer } from "./writer.ts";

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

/** How a property stands on the wire. */
export type PropertyKind = "shortstr" | "table" | "octet" | "timestamp";

/**
 * All there are, from flag bit 15 down. The last one has no use any more, and
 * is passed over.
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

const CLUSTER_ID = PROPERTIES.length - 1;
const FIRST_FLAG = 0x8000;
/** Bit 0 announces more flags, bit 1 a property that does not exist. */
const UNKNOWN_FLAGS = 0b11;

/**
 * The flags in front of the properties: a bit for each that is there.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR for a bit that means nothing.
 */
export function readFlags(reader: Reader): number {
  const flags = reader.short();
  if ((flags & UNKNOWN_FLAGS) === 0) return flags;
  throw new AmqpError("SYNTAX_ERROR", "unknown property flags");
}

/**
 * Reads what is there of them.
 *
 * @throws {AmqpError} 502 SYNTAX_ERROR where they are malformed.
 */
export function readProperties(reader: Reader): Properties {
  const found: Record<string, unknown> = {};
  let flags = readFlags(reader);
  while (flags !== 0) {
    // The first one that is left: 16 bits, at the end of 32.
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
 * Writes what is given of them.
 *
 * @throws {RangeError} for a text of more than 255 bytes.
 * @throws {TypeError} for a header that no field can hold.
 */
export function writeProperties(writer: Writer, properties: Properties): void {
  const given = properties as Readonly<Record<string, unknown>>;
  const start = writer.length;
  writer.short(0);
  let flags = 0;
  for (let bit = 0; bit < CLUSTER_ID; bit++) {
    const [name, kind] = PROPERTIES[bit]!;
    const value = given[name];
    if (value === undefined || value === null) continue;
    flags |= FIRST_FLAG >> bit;
    if (kind === "shortstr") writer.text(value as string);
    else if (kind === "octet") writer.octet(value as number);
    else if (kind === "table") writeValues(writer, value as Values);
    else writer.longlong(Math.floor((value as Date).getTime() / 1000));
  }
  writer.setShort(start, flags);
}
