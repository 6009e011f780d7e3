// Tests of src/amqp/frames/view.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { MessageView } from "../../../src/amqp/frames/view.ts";
import type { MessageProperties } from "../../../src/rpc/transport.ts";

function newView(bytes: number): MessageView {
  return new MessageView(new Uint8Array(bytes));
}

Deno.test("strings of any script survive, short and long", () => {
  const anyText = fc.string({ unit: "binary" }).map((it) => it.toWellFormed());
  fc.assert(fc.property(anyText, (text) => {
    const utf8 = new TextEncoder().encode(text).length;
    const view = newView(4 + utf8);
    assert.equal(view.setLongString(0, text), 4 + utf8);
    assert.deepEqual(view.getLongString(0), [text, 4 + utf8]);
    if (utf8 > 255) return;
    assert.equal(view.setShortString(0, text), 1 + utf8);
    assert.deepEqual(view.getShortString(0), [text, 1 + utf8]);
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
    const view = newView(4 + length);
    view.setUint32(0, length);
    view.setBytes(4, bytes);
    const [long] = view.getLongString(0);
    assert.equal(view.setLongString(0, long), 4 + length);
    assert.deepEqual(Uint8Array.from(view.getBytes(4, 4 + length)), bytes);
    view.setUint8(0, length);
    view.setBytes(1, bytes);
    const [short] = view.getShortString(0);
    assert.equal(short, long);
    assert.equal(view.setShortString(0, short), 1 + length);
    assert.deepEqual(Uint8Array.from(view.getBytes(1, 1 + length)), bytes);
  }));
});

Deno.test("a byte that is no UTF-8 is a lone surrogate", () => {
  const view = newView(9);
  view.setBytes(0, Uint8Array.of(7, 0x61, 0xff, 0xc3, 0xef, 0xbf, 0xbd, 0x80));
  assert.deepEqual(view.getShortString(0), [
    "a\udcff\udcc3\ufffd\udc80",
    8,
  ]);
  // One that stands for no byte has no UTF-8 either.
  assert.equal(view.setShortString(0, "a\ud800b"), 6);
  assert.deepEqual(view.getShortString(0), ["a\ufffdb", 6]);
  assert.throws(() => newView(3).setShortString(0, "ab\udcff"), RangeError);
});

Deno.test("a string that has no room or is too long is refused", () => {
  assert.throws(() => newView(4).setShortString(0, "abcd"), RangeError);
  assert.throws(() => newView(4).setShortString(0, "éé"), RangeError);
  const long = "x".repeat(256);
  assert.throws(() => newView(999).setShortString(0, long), /256 bytes/);
  assert.throws(() => newView(999).setShortString(0, 7 as never), TypeError);
});

Deno.test("a length that lies about what follows is refused", () => {
  const view = newView(4);
  view.setUint8(0, 200);
  assert.throws(() => view.getShortString(0), RangeError);
  view.setUint32(0, 2 ** 31);
  assert.throws(() => view.getLongString(0), RangeError);
});

Deno.test("numbers in headers survive exactly", () => {
  const values = [0, -1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1];
  values.push(2 ** 32, Number.MAX_SAFE_INTEGER, 0.1, 1e300, -0.5, 1e20);
  for (const value of values) {
    const view = newView(9);
    const length = view.setField(0, value);
    assert.deepEqual(view.getField(0), [value, length]);
  }
});

Deno.test("the types of field that only others send can be read", () => {
  const view = newView(9);
  const field = (type: string, write: () => void) => {
    view.setUint8(0, type.charCodeAt(0));
    write();
    return view.getField(0);
  };
  assert.deepEqual(field("b", () => view.setInt8(1, -7)), [-7, 2]);
  assert.deepEqual(field("B", () => view.setUint8(1, 200)), [200, 2]);
  assert.deepEqual(field("s", () => view.setInt16(1, -300)), [-300, 3]);
  assert.deepEqual(field("L", () => view.setBigUint64(1, 5n)), [5, 9]);
  const most = 2n ** 64n - 1n;
  assert.deepEqual(field("L", () => view.setBigUint64(1, most)), [most, 9]);
});

Deno.test("integers of 64 bits survive, as numbers where those are exact", () => {
  fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
    const view = newView(9);
    assert.equal(view.setField(0, value), 9);
    const number = Number(value);
    const exact = Number.isSafeInteger(number) ? number : value;
    assert.deepEqual(view.getField(0), [exact, 9]);
  }));
  for (const value of [2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), 5n]) {
    const view = newView(9);
    view.setField(0, value);
    const [read] = view.getField(0);
    assert.equal(BigInt(read as number), value);
    assert.equal(
      typeof read,
      value < 2n ** 53n && value > -(2n ** 53n) ? "number" : "bigint",
    );
  }
});

Deno.test("bytes in a header are bytes in whatever form they are", () => {
  const { buffer } = Uint8Array.of(1, 2, 3, 4);
  const shared = new SharedArrayBuffer(4);
  new Uint8Array(shared).set([1, 2, 3, 4]);
  const forms = [buffer, shared, new Uint16Array(buffer), new DataView(buffer)];
  for (const form of forms) {
    const view = newView(9);
    assert.equal(view.setField(0, form as never), 9);
    const [read] = view.getField(0);
    assert.deepEqual(
      [...read as Uint8Array],
      [1, 2, 3, 4],
      form.constructor.name,
    );
  }
});

Deno.test("all properties and kinds of header survive", () => {
  const properties: MessageProperties = {
    contentType: "text/plain",
    contentEncoding: "gzip",
    headers: {
      text: "é",
      yes: true,
      nothing: null,
      bytes: Uint8Array.of(1, 2),
      when: new Date(86_400_000),
      list: [1, "two", [3]],
      table: { deep: { deeper: 0.5 } },
    },
    deliveryMode: 2,
    priority: 9,
    correlationId: crypto.randomUUID(),
    replyTo: "amq.gen-x",
    expiration: "30000",
    messageId: "m",
    timestamp: new Date(1_000_000_000_000),
    type: "t",
    userId: "guest",
    appId: "a",
  };
  const view = newView(1000);
  const length = view.setProperties(0, properties as never);
  const [read, readLength] = view.getProperties(0);
  assert.equal(readLength, length);
  const { headers, ...rest } = read;
  const bytes = Uint8Array.from(headers!.bytes as Uint8Array);
  assert.deepEqual({ ...rest, headers: { ...headers, bytes } }, properties);
});
