// Field tables and properties: what comes in goes out, and what is malformed
// is refused.

import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  edit,
  headersOf,
  inspect,
} from "../../src/broker/routing/properties.ts";
import { comparable, printable } from "../../src/broker/routing/fields.ts";
import { Reader } from "../../src/amqp091/reader.ts";
import {
  arrayField,
  asInteger,
  type Field,
  longField,
  lookup,
  readTable,
  stringField,
  type Table,
  tableField,
  withField,
} from "../../src/amqp091/table.ts";
import { args, encodeProperties } from "./support/properties.ts";

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

Deno.test("numbers compare by value whatever their type", () => {
  const byte: Field = { tag: "b", bytes: Uint8Array.of(5) };
  equal(comparable(byte), comparable(longField("l", 5n)));
  equal(comparable(byte) === comparable(stringField("5")), false);
  equal(asInteger({ tag: "b", bytes: Uint8Array.of(255) }), -1n);
  equal(asInteger({ tag: "B", bytes: Uint8Array.of(255) }), 255n);
  equal(
    printable({ tag: "d", bytes: Uint8Array.of(63, 248, 0, 0, 0, 0, 0, 0) }),
    "1.5",
  );
});

Deno.test("a field keeps its place when it is set anew", () => {
  const changed = withField(args({ a: 1, b: 2 }), "a", stringField("x"));
  deepEqual(changed.map(([key]) => key), ["a", "b"]);
  equal(printable(lookup(changed, "a") ?? stringField("")), "x");
});

Deno.test("editing properties leaves the rest of them as it was", () => {
  const properties = {
    headers: args({ a: 1 }),
    priority: 3,
    correlationId: "c",
    replyTo: "r",
    expiration: "10",
    userId: "u",
  };
  const { expiration: _, ...rest } = properties;
  deepEqual(
    edit(encodeProperties(properties), {
      dropExpiration: true,
      replyTo: "a longer one",
      headers: args({ b: 2 }),
    }),
    encodeProperties({
      ...rest,
      replyTo: "a longer one",
      headers: args({ b: 2 }),
    }),
  );
  deepEqual(
    headersOf(
      edit(encodeProperties({ priority: 1 }), { headers: args({ b: 2 }) }),
    ),
    args({ b: 2 }),
  );
});

Deno.test("properties are inspected as far as the broker needs", () => {
  const found = inspect(encodeProperties({
    headers: [["CC", arrayField([])]],
    priority: 3,
    replyTo: "r",
    expiration: "10",
    userId: "u",
  }));
  deepEqual(found, {
    priority: 3,
    replyTo: "r",
    expiration: "10",
    userId: "u",
    hasCopies: true,
    unordered: false,
  });
  equal(
    inspect(encodeProperties({ headers: args({ ACC: 1 }) })).hasCopies,
    false,
  );
  throws(() => inspect(Uint8Array.of(0x80, 0)), /SYNTAX_ERROR/);
  throws(() => inspect(Uint8Array.of(0, 1)), /SYNTAX_ERROR/);
  throws(() => inspect(Uint8Array.of(0, 0, 0)), /SYNTAX_ERROR/);
});
