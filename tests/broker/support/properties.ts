// Properties and argument tables, written down shortly for tests.

import { Writer } from "../../../src/amqp091/writer.ts";
import {
  booleanField,
  stringField,
  type Table,
} from "../../../src/amqp091/table.ts";

/** Properties by name; text is a byte string, as everywhere in the broker. */
export interface TestProperties {
  contentType?: string;
  contentEncoding?: string;
  headers?: Table;
  deliveryMode?: number;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  expiration?: string;
  messageId?: string;
  /** Its eight bytes. */
  timestamp?: Uint8Array;
  type?: string;
  userId?: string;
  appId?: string;
  clusterId?: string;
}

/** In the order of their flags, from the highest. */
const ORDER = [
  "contentType",
  "contentEncoding",
  "headers",
  "deliveryMode",
  "priority",
  "correlationId",
  "replyTo",
  "expiration",
  "messageId",
  "timestamp",
  "type",
  "userId",
  "appId",
  "clusterId",
] as const;

/** Properties as they stand in a content header. */
export function encodeProperties(p: TestProperties): Uint8Array {
  const o = new Writer();
  const flags = ORDER.map((name, n) => p[name] === undefined ? 0 : 0x8000 >> n);
  o.short(flags.reduce((all, flag) => all | flag));
  for (const name of ORDER) {
    const value = p[name];
    if (typeof value === "string") o.shortstr(value);
    else if (typeof value === "number") o.octet(value);
    else if (value instanceof Uint8Array) o.raw(value);
    else if (value !== undefined) o.table(value);
  }
  return o.take();
}

/** A string table of arguments, for short tests. */
export function args(
  entries: Record<string, string | number | boolean>,
): Table {
  return Object.entries(entries).map(([key, value]) => {
    if (typeof value === "string") return [key, stringField(value)] as const;
    if (typeof value === "boolean") return [key, booleanField(value)] as const;
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value);
    return [key, { tag: "I", bytes }] as const;
  });
}
