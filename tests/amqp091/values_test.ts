// Tests of src/amqp091/values.ts and text.ts: what is written is read again.

import assert from "node:assert/strict";
import fc from "fast-check";
import { AmqpError } from "../../src/amqp091/errors.ts";
import { Reader } from "../../src/amqp091/reader.ts";
import {
  readValues,
  tableOf,
  type Value,
  type Values,
  writeValues,
} from "../../src/amqp091/values.ts";
import { tableField } from "../../src/amqp091/table.ts";
import { Writer } from "../../src/amqp091/writer.ts";
import { concat, long, shortString, text } from "../support/fake_peer.ts";

function writtenBy(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.take();
}

/** A value that was written, as it is read, and the bytes that it took. */
function through(value: Value): [Value, number] {
  const bytes = writtenBy((writer) => writeValues(writer, { "": value }));
  const reader = new Reader(bytes);
  const { "": read } = readValues(reader);
  reader.finish();
  // But for the size of the table and the key.
  return [read, bytes.length - 5];
}

/** A table of one field, of these bytes behind its type. */
function tableWith(type: string, bytes: Uint8Array): Reader {
  const field = concat(shortString(""), text(type), bytes);
  return new Reader(concat(long(field.length), field));
}

function read(type: string, ...bytes: number[]): Value {
  return readValues(tableWith(type, Uint8Array.from(bytes)))[""];
}

Deno.test("strings of any script survive, short and long", () => {
  const anyText = fc.string({ unit: "binary" }).map((it) => it.toWellFormed());
  fc.assert(fc.property(anyText, (text) => {
    const utf8 = new TextEncoder().encode(text).length;
    const long = writtenBy((writer) => writer.longText(text));
    assert.equal(long.length, 4 + utf8);
    assert.equal(new Reader(long).longText(), text);
    if (utf8 > 255) return;
    const short = writtenBy((writer) => writer.text(text));
    assert.equal(short.length, 1 + utf8);
    assert.equal(new Reader(short).text(), text);
  }));
});

Deno.test("bytes that are no UTF-8 survive, short and long", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 255 }),
    // UTF-8 that was cut somewhere, between other text.
    fc.tuple(fc.string({ unit: "grapheme", maxLength: 9 }), fc.nat(30))
      .map(([text, cut]) => new TextEncoder().encode(`a${text}ä`).slice(cut)),
  );
  fc.assert(fc.property(bytes, (bytes) => {
    const { length } = bytes;
    const long = writtenBy((writer) => writer.long(length).raw(bytes));
    const asLong = new Reader(long).longText();
    assert.deepEqual(writtenBy((writer) => writer.longText(asLong)), long);
    const short = writtenBy((writer) => writer.octet(length).raw(bytes));
    const asShort = new Reader(short).text();
    assert.equal(asShort, asLong);
    assert.deepEqual(writtenBy((writer) => writer.text(asShort)), short);
  }));
});

Deno.test("a byte that is no UTF-8 is a lone surrogate", () => {
  const bytes = Uint8Array.of(7, 0x61, 0xff, 0xc3, 0xef, 0xbf, 0xbd, 0x80);
  bytes[0] = bytes.length - 1;
  assert.equal(new Reader(bytes).text(), "a\udcff\udcc3\ufffd\udc80");
  // One that stands for no byte has no UTF-8 either.
  const lone = writtenBy((writer) => writer.text("a\ud800b"));
  assert.equal(new Reader(lone).text(), "a\ufffdb");
});

Deno.test("a string that is too long is refused, and what is none", () => {
  const write = (text: string) => writtenBy((writer) => writer.text(text));
  assert.equal(write("x".repeat(255)).length, 256);
  assert.throws(() => write("x".repeat(256)), /256 bytes.*AMQP allows 255/);
  assert.throws(() => write("é".repeat(128)), RangeError);
  assert.throws(() => write(7 as never), TypeError);
});

Deno.test("a length that lies about what follows is refused", () => {
  const refused = { name: "AmqpError", code: 502 };
  assert.throws(() => new Reader(Uint8Array.of(200, 1, 2)).text(), refused);
  const long = Uint8Array.of(0x80, 0, 0, 0, 1);
  assert.throws(() => new Reader(long).longText(), refused);
  assert.throws(() => readValues(new Reader(long)), refused);
  assert.throws(() => read("S", 0xff, 0xff, 0xff, 0xff, 1), refused);
  assert.throws(() => read("x", 0, 0, 0, 9, 1), refused);
  assert.throws(() => read("A", 0, 0, 0, 9, 1), refused);
});

Deno.test("a table that is cut anywhere is refused", () => {
  const whole = writtenBy((writer) =>
    writeValues(writer, {
      text: "é",
      list: [1, true, [0.5]],
      table: { deep: { deeper: 2n ** 60n } },
      bytes: Uint8Array.of(1, 2),
      when: new Date(0),
    })
  );
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.slice(0, length);
    assert.throws(() => readValues(new Reader(cut)), AmqpError, `${length}`);
    if (length < 4) continue;
    // The same, of a table that says itself that it is shorter.
    cut.set(long(length - 4));
    try {
      readValues(new Reader(cut));
    } catch (error) {
      assert.ok(error instanceof AmqpError, String(error));
    }
  }
});

Deno.test("what is nested may not reach beyond what it is nested in", () => {
  // An array of two bytes, whose one element takes five.
  const array = [0, 0, 0, 2, "I".charCodeAt(0), 0, 0, 0, 1];
  assert.throws(() => read("A", ...array), AmqpError);
});

Deno.test("any bytes at all are a table or an error, never a loop", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      readValues(new Reader(concat(long(bytes.length), bytes)));
    } catch (error) {
      assert.ok(error instanceof AmqpError, String(error));
    }
  }));
});

Deno.test("nesting that fills a frame is an error that can be caught", () => {
  const levels = 26_000;
  let size = 0;
  const parts: Uint8Array[] = [];
  for (let level = 0; level < levels; level++) {
    parts.push(concat(text("A"), long(size)));
    size += 5;
  }
  const field = concat(shortString(""), ...parts.reverse());
  const bytes = concat(long(field.length), field);
  assert.throws(() => readValues(new Reader(bytes)));
});

Deno.test("numbers in headers survive exactly", () => {
  const values = [0, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1];
  values.push(2 ** 32, Number.MAX_SAFE_INTEGER, 0.1, 1e300, -0.5, 1e20);
  values.push(-Number.MAX_SAFE_INTEGER, NaN, Infinity);
  for (const value of values) assert.deepEqual(through(value)[0], value);
});

Deno.test("the types of field that only others send can be read", () => {
  assert.equal(read("b", 0xf9), -7);
  assert.equal(read("B", 200), 200);
  assert.equal(read("s", 0xfe, 0xd4), -300);
  assert.equal(read("u", 0xfe, 0xd4), 65_236);
  assert.equal(read("i", 0xff, 0xff, 0xff, 0xfe), 2 ** 32 - 2);
  assert.equal(read("f", 0x3f, 0, 0, 0), 0.5);
  assert.equal(read("D", 2, 0, 0, 1, 0), 2.56);
  assert.equal(read("L", 0, 0, 0, 0, 0, 0, 0, 5), 5);
  assert.equal(read("L", ...Array(8).fill(0xff)), 2n ** 64n - 1n);
  assert.throws(() => read("?"), AmqpError);
});

Deno.test("integers of 64 bits survive, as numbers where those are exact", () => {
  fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
    const number = Number(value);
    const exact = Number.isSafeInteger(number) ? number : value;
    assert.deepEqual(through(value), [exact, 9]);
  }));
  for (const value of [2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), 5n]) {
    const [read] = through(value);
    assert.equal(BigInt(read as number), value);
    assert.equal(
      typeof read,
      value < 2n ** 53n && value > -(2n ** 53n) ? "number" : "bigint",
    );
  }
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) {
    assert.throws(() => through(value), RangeError);
  }
});

Deno.test("bytes in a header are bytes in whatever form they are", () => {
  const { buffer } = Uint8Array.of(1, 2, 3, 4);
  const shared = new SharedArrayBuffer(4);
  new Uint8Array(shared).set([1, 2, 3, 4]);
  const forms = [buffer, shared, new Uint16Array(buffer), new DataView(buffer)];
  for (const form of forms) {
    const [read, length] = through(form);
    assert.equal(length, 9);
    assert.deepEqual(read, Uint8Array.of(1, 2, 3, 4), form.constructor.name);
  }
});

Deno.test("bytes that were read are not those of the frame", () => {
  const bytes = concat(long(4), Uint8Array.of(1, 2, 3, 4));
  const reader = tableWith("x", bytes);
  const value = readValues(reader)[""] as Uint8Array;
  reader.bytes.fill(0);
  assert.deepEqual(value, Uint8Array.of(1, 2, 3, 4));
});

Deno.test("a value that no field holds is refused", () => {
  assert.throws(() => through((() => {}) as never), TypeError);
  assert.throws(() => through(Symbol("s") as never), TypeError);
  assert.throws(() => tableOf({ ["k".repeat(256)]: 1 }), RangeError);
  assert.equal(through(undefined)[0], null);
});

Deno.test("a key may have any name", () => {
  const sent = JSON.parse('{"__proto__":1,"constructor":2,"é":3,"":4}');
  const bytes = writtenBy((writer) => writeValues(writer, sent));
  const read = readValues(new Reader(bytes));
  assert.deepEqual(Object.entries(read), Object.entries(sent));
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
});

Deno.test("of a key that comes twice the last value counts", () => {
  for (const key of ["a", "__proto__"]) {
    const field = (value: number) =>
      concat(shortString(key), text("B"), Uint8Array.of(value));
    const fields = concat(field(1), field(2));
    const read = readValues(new Reader(concat(long(fields.length), fields)));
    assert.deepEqual(Object.entries(read), [[key, 2]]);
  }
});

Deno.test("values become the fields of a method, byte for byte", () => {
  const values: Values = { a: "é", b: 1, c: [true, { d: 2n ** 60n }] };
  const bytes = writtenBy((writer) => writeValues(writer, values));
  assert.deepEqual(tableField(tableOf(values)).bytes, bytes);
});
