// Tests of src/amqp/frames/view.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { MessageView } from "../../../src/amqp/frames/view.ts";
import type { MessageProperties } from "../../../src/rpc/transport.ts";

function newView(bytes: number): MessageView {
  return new MessageView(new Uint8Array(bytes));
}

Deno.test("strings of any script survive, short and long", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const utf8 = new TextEncoder().encode(text).length;
    const view = newView(4 + utf8);
    // A lone surrogate has no UTF-8: it becomes U+FFFD.
    const expected = text.toWellFormed();
    assert.equal(view.setLongString(0, text), 4 + utf8);
    assert.deepEqual(view.getLongString(0), [expected, 4 + utf8]);
    if (utf8 > 255) return;
    assert.equal(view.setShortString(0, text), 1 + utf8);
    assert.deepEqual(view.getShortString(0), [expected, 1 + utf8]);
  }));
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
