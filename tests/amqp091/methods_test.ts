// Tests of src/amqp091/methods.ts and arguments.ts: what is written is read
// again, and what is malformed is refused.

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  brokerMethod,
  clientMethod,
  readArguments,
  writeMethod,
} from "../../src/amqp091/arguments.ts";
import { AmqpError } from "../../src/amqp091/errors.ts";
import { FrameBuffer } from "../../src/amqp091/frames.ts";
import type { Kind } from "../../src/amqp091/kinds.ts";
import {
  BROKER_METHODS,
  CLIENT_METHODS,
  type MethodName,
  METHODS,
  SHARED_METHODS,
} from "../../src/amqp091/methods.ts";
import { byteString, encodeText, Reader } from "../../src/amqp091/reader.ts";
import { tableOf } from "../../src/amqp091/values.ts";
import { Writer } from "../../src/amqp091/writer.ts";

const NAMES = Object.keys(METHODS) as MethodName[];

const byteStrings = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => byteString(bytes));

/** Any value of each kind of field. */
const VALUES: Record<Kind, fc.Arbitrary<unknown>> = {
  octet: fc.nat(0xff),
  short: fc.nat(0xffff),
  long: fc.nat(0xffff_ffff),
  longlong: fc.maxSafeNat(),
  shortstr: byteStrings(255),
  name: fc.string({ unit: "grapheme", maxLength: 20 }),
  longstr: byteStrings(2000),
  bit: fc.boolean(),
  table: fc.dictionary(fc.string({ maxLength: 9 }), fc.integer())
    .map((values) => tableOf(values)),
};

function argumentsOf(name: MethodName): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(METHODS[name].fields) as [string, Kind][];
  const args = fields.filter(([field]) => !field.startsWith("_"));
  return fc.record(
    Object.fromEntries(args.map(([field, kind]) => [field, VALUES[kind]])),
    { noNullPrototype: true },
  );
}

/** The frame that the method is written as. */
function written(name: MethodName, args: object): Uint8Array {
  const writer = new Writer();
  writeMethod(writer, 7, name, args);
  return writer.take();
}

/** What is in a frame, behind the method's number. */
function payloadOf(frame: Uint8Array): Reader {
  return new Reader(frame, 11, frame.length - 1);
}

/** Names are written as text, and read as bytes. */
function asRead(name: MethodName, args: Record<string, unknown>) {
  const { fields } = METHODS[name] as { fields: Record<string, Kind> };
  return Object.fromEntries(
    Object.entries(args).map(([field, value]) => [
      field,
      fields[field] === "name" ? encodeText(value as string) : value,
    ]),
  );
}

for (const name of NAMES) {
  Deno.test(`what is written is read again: ${name}`, () => {
    fc.assert(
      fc.property(argumentsOf(name), (args) => {
        const frame = written(name, args);
        const buffer = new FrameBuffer();
        buffer.space().set(frame);
        buffer.filled(frame.length);
        assert.ok(buffer.next());
        assert.deepEqual([buffer.type, buffer.channel], [1, 7]);
        const reader = new Reader(buffer.bytes, buffer.start, buffer.end);
        assert.equal(reader.long(), METHODS[name].id);
        assert.deepEqual(readArguments(name, reader), asRead(name, args));
        assert.equal(buffer.next(), false);
      }),
      { numRuns: 20 },
    );
  });
}

Deno.test("what is left out is 0, false or empty", () => {
  const args = readArguments(
    "queue.declare",
    payloadOf(written("queue.declare", {})),
  );
  assert.deepEqual(args, {
    queue: "",
    passive: false,
    durable: false,
    exclusive: false,
    autoDelete: false,
    noWait: false,
    arguments: [],
  });
});

Deno.test("bits stand where AMQP has them", () => {
  const declare = written("queue.declare", { exclusive: true, noWait: true });
  assert.equal(declare.at(-6), 0b10100);
  const nack = written("basic.nack", { deliveryTag: 1, requeue: true });
  assert.equal(nack.at(-2), 0b10);
  const flow = written("channel.flow", { active: true });
  assert.equal(flow.at(-2), 1);
});

Deno.test("arguments that are cut anywhere, or go on, are refused", () => {
  for (const name of NAMES) {
    const [args] = fc.sample(argumentsOf(name), { numRuns: 1, seed: 4 });
    const frame = written(name, args!);
    for (let end = 11; end < frame.length - 1; end++) {
      const cut = new Reader(frame, 11, end);
      assert.throws(() => readArguments(name, cut), AmqpError, name);
    }
    const long = new Reader(frame, 11, frame.length);
    assert.throws(() => readArguments(name, long), AmqpError, name);
  }
});

Deno.test("any bytes at all are arguments or an error", () => {
  const bytes = fc.uint8Array({ maxLength: 100 });
  fc.assert(fc.property(fc.constantFrom(...NAMES), bytes, (name, bytes) => {
    try {
      readArguments(name, new Reader(bytes));
    } catch (error) {
      assert.ok(error instanceof AmqpError, String(error));
    }
  }));
});

Deno.test("each side sends its own methods, and those of both", () => {
  for (const name in CLIENT_METHODS) {
    const { id } = METHODS[name as MethodName];
    assert.equal(clientMethod(id), name);
    assert.throws(() => brokerMethod(id), /NOT_IMPLEMENTED/);
  }
  for (const name in BROKER_METHODS) {
    const { id } = METHODS[name as MethodName];
    assert.equal(brokerMethod(id), name);
    assert.throws(() => clientMethod(id), /NOT_IMPLEMENTED/);
  }
  for (const name in SHARED_METHODS) {
    const { id } = METHODS[name as MethodName];
    assert.deepEqual([clientMethod(id), brokerMethod(id)], [name, name]);
  }
  assert.throws(() => brokerMethod(0x00ff_0001), /class 255, method 1/);
});

Deno.test("no two methods have one number", () => {
  const ids = NAMES.map((name) => METHODS[name].id);
  assert.equal(new Set(ids).size, NAMES.length);
});
