// Tests of src/amqp091/properties.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { AmqpError } from "../../src/amqp091/errors.ts";
import {
  PROPERTIES,
  type Properties,
  readProperties,
  writeProperties,
} from "../../src/amqp091/properties.ts";
import { Reader } from "../../src/amqp091/reader.ts";
import { Writer } from "../../src/amqp091/writer.ts";

function written(properties: Properties): Uint8Array {
  const writer = new Writer();
  writeProperties(writer, properties);
  return writer.take();
}

function through(properties: Properties): Properties {
  const reader = new Reader(written(properties));
  const read = readProperties(reader);
  reader.finish();
  return read;
}

const ALL: Properties = {
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

Deno.test("all properties and kinds of header survive", () => {
  assert.deepEqual(through(ALL), ALL);
});

Deno.test("any of the properties survive without the others", () => {
  fc.assert(fc.property(fc.subarray(Object.keys(ALL)), (names) => {
    const some = Object.fromEntries(
      names.map((name) => [name, ALL[name as keyof Properties]]),
    );
    assert.deepEqual(through(some), some);
  }));
});

Deno.test("what is written by hand is what the table says", () => {
  for (const [bit, [name]] of PROPERTIES.entries()) {
    const value = ALL[name as keyof Properties];
    if (value === undefined) continue;
    const reader = new Reader(written({ [name]: value }));
    assert.equal(reader.short(), 0x8000 >> bit, name);
  }
  const reader = new Reader(written(ALL));
  reader.short();
  for (const [name, kind] of PROPERTIES) {
    const value = ALL[name as keyof Properties];
    if (value === undefined) assert.equal(name, "clusterId");
    else if (kind === "shortstr") assert.equal(reader.text(), value);
    else if (kind === "octet") assert.equal(reader.octet(), value);
    else if (kind === "table") reader.skip(reader.long());
    else assert.equal(reader.longlong() * 1000, (value as Date).getTime());
  }
  reader.finish();
});

Deno.test("those that are null or undefined are not written", () => {
  const none = { type: undefined, appId: null, headers: undefined };
  assert.deepEqual(written(none as never), Uint8Array.of(0, 0));
});

Deno.test("a cluster id is passed over", () => {
  // Flags of app id and cluster id.
  const bytes = Uint8Array.of(0, 0b1100, 1, 0x61, 2, 0x62, 0x63);
  const reader = new Reader(bytes);
  assert.deepEqual(readProperties(reader), { appId: "a" });
  reader.finish();
});

Deno.test("flags of no property are an error", () => {
  for (const flag of [1, 2, 3]) {
    const reader = new Reader(Uint8Array.of(0, flag));
    assert.throws(() => readProperties(reader), AmqpError);
  }
});

Deno.test("properties that are cut anywhere are an error", () => {
  const whole = written(ALL);
  for (let length = 0; length < whole.length; length++) {
    const reader = new Reader(whole.subarray(0, length));
    assert.throws(() => readProperties(reader), AmqpError, `${length}`);
  }
});

Deno.test("any bytes at all are properties or an error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      readProperties(new Reader(bytes));
    } catch (error) {
      assert.ok(error instanceof AmqpError, String(error));
    }
  }));
});
