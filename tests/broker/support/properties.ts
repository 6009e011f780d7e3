// Properties and argument tables, written down shortly for tests.

import { Output } from "../../../src/broker/output.ts";
import {
  booleanField,
  stringField,
  type Table,
} from "../../../src/broker/table.ts";

/** Properties by name, of those that tests use. */
export interface TestProperties {
  headers?: Table;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  expiration?: string;
  userId?: string;
}

/** Properties as they stand in a content header. */
export function encodeProperties(p: TestProperties): Uint8Array {
  const o = new Output();
  const has = (value: unknown, flag: number) => value === undefined ? 0 : flag;
  o.short(
    has(p.headers, 0x2000) | has(p.priority, 0x800) |
      has(p.correlationId, 0x400) | has(p.replyTo, 0x200) |
      has(p.expiration, 0x100) | has(p.userId, 0x10),
  );
  if (p.headers !== undefined) o.table(p.headers);
  if (p.priority !== undefined) o.octet(p.priority);
  for (const text of [p.correlationId, p.replyTo, p.expiration, p.userId]) {
    if (text !== undefined) o.shortstr(text);
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
