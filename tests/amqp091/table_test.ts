// Field tables: what comes in goes out, and what is malformed is refused.

import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { Reader } from "../../src/amqp091/reader.ts";
import {
  arrayField,
  asString,
  type Field,
  lookup,
  readTable,
  stringField,
  type Table,
  tableField,
  withField,
} from "../../src/amqp091/table.ts";
import { args } from "../broker/support/properties.ts";

const raw = (tag: string, size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((bytes): Field => ({
    tag,
    bytes,
  }));
const text = fc.string({ unit: "binary-ascii", maxLength: 40 });

const { table } = fc.letrec<{ table: Table; field: Field }>((tie) => ({
  field: fc.oneof(
    { depthSize: "small" },
    raw("t", 1),
    raw("b", 1),
    raw("B", 1),
    raw("s", 2),
    raw("u", 2),
    raw("I", 4),
    raw("i", 4),
    raw("f", 4),
    raw("l", 8),
    raw("d", 8),
    raw("T", 8),
    raw("D", 5),
    raw("V", 0),
    text.map(stringField),
    fc.array(tie("field"), { maxLength: 4 }).map(arrayField),
    tie("table").map(tableField),
  ),
  table: fc.array(fc.tuple(text, tie("field")), { maxLength: 5 }),
}));

Deno.test("tables of every type and depth survive unchanged", () => {
  fc.assert(fc.property(table, (original) => {
    const { bytes } = tableField(original);
    const read = readTable(new Reader(bytes));
    deepEqual(tableField(read).bytes, bytes);
    deepEqual(read.map(([key]) => key), original.map(([key]) => key));
  }));
});

Deno.test("a table that ends early is refused at every length", () => {
  fc.assert(fc.property(table, fc.nat(), (original, n) => {
    const { bytes } = tableField(original);
    const cut = bytes.subarray(0, n % bytes.length);
    throws(() => readTable(new Reader(cut)), /SYNTAX_ERROR/);
  }));
});

Deno.test("a table may nest deeper than the call stack", () => {
  const levels = 200_000;
  const bytes = new Uint8Array(levels * 5);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 5) {
    bytes[at] = "A".charCodeAt(0);
    view.setUint32(at + 1, bytes.length - at - 5);
  }
  const table = tableField([["deep", { tag: "A", bytes: bytes.subarray(1) }]]);
  deepEqual(readTable(new Reader(table.bytes)).map(([key]) => key), ["deep"]);
  // The innermost one claims an octet that is not there.
  table.bytes[table.bytes.length - 1] = 1;
  throws(() => readTable(new Reader(table.bytes)), /truncated/);
});

Deno.test("a field keeps its place when it is set anew", () => {
  const changed = withField(args({ a: 1, b: 2 }), "a", stringField("x"));
  deepEqual(changed.map(([key]) => key), ["a", "b"]);
  equal(asString(lookup(changed, "a")), "x");
});
