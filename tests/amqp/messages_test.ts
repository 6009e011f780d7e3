// Tests of src/amqp/message_frames.ts and incoming_message.ts: what one writes,
// the other reads, and both as the table of methods has it.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { readArguments, writeMethod } from "../../src/amqp091/arguments.ts";
import { METHODS } from "../../src/amqp091/methods.ts";
import { writeProperties } from "../../src/amqp091/properties.ts";
import { encodeText, Reader } from "../../src/amqp091/reader.ts";
import { Writer } from "../../src/amqp091/writer.ts";
import {
  readDeliver,
  type Target,
  writeMessage,
} from "../../src/amqp/message_frames.ts";
import type { Delivery, ReturnedMessage } from "../../src/rpc/transport.ts";
import type { MessageProperties } from "../../src/rpc/messages.ts";
import { Feed, methodFrame } from "./support/channels.ts";

const FRAME_MAX = 4096;
const target: Target = {
  channel: 1,
  exchange: "",
  routingKey: "q",
  mandatory: true,
};

/** The bytes that a message is written as. */
function written(
  body: Uint8Array,
  properties: MessageProperties,
  to = target,
): Uint8Array {
  const writer = new Writer();
  writeMessage(writer, FRAME_MAX, to, body, properties);
  return writer.take();
}

const deliver = methodFrame("basic.deliver", {
  consumerTag: "the-consumer-tag",
  deliveryTag: 42,
  redelivered: true,
  exchange: "exchange",
  routingKey: "routing.key",
});

/** What comes after basic.publish: the content, whoever sends it. */
function contentOf(message: Uint8Array): Uint8Array {
  const size = new DataView(message.buffer, message.byteOffset).getUint32(3);
  return message.subarray(size + 8);
}

async function receive(...messages: Uint8Array[]): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  const feed = new Feed();
  const channel = await feed.open();
  channel.handlers = { onDelivery: (it) => deliveries.push(it) };
  for (const message of messages) {
    feed.bytes(deliver);
    feed.bytes(contentOf(message));
  }
  return deliveries;
}

async function receiveOne(
  body: Uint8Array,
  properties: MessageProperties,
): Promise<Delivery> {
  const [delivery, ...others] = await receive(written(body, properties));
  assert.deepEqual(others, []);
  return delivery!;
}

Deno.test("bodies of any size survive, however many frames they take", async () => {
  for (const size of [0, 1, 2, 4087, 4088, 4089, 8176, 8177, 300_000]) {
    const body = Uint8Array.from({ length: size }, (_, n) => n % 251);
    const { body: read, deliveryTag, redelivered } = await receiveOne(body, {});
    assert.deepEqual(Buffer.from(read), Buffer.from(body));
    assert.deepEqual([deliveryTag, redelivered], [42, true]);
  }
});

Deno.test("a body outlives what it was read from", async () => {
  const bodies = [1, 2, 3].map((byte) => new Uint8Array(3000).fill(byte));
  const deliveries = await receive(...bodies.map((it) => written(it, {})));
  for (const [n, { body }] of deliveries.entries()) {
    assert.deepEqual(body, bodies[n]);
  }
  assert.equal(deliveries.length, 3);
});

Deno.test("headers of any kind and length survive", async () => {
  const value: fc.Arbitrary<unknown> = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.boolean(),
    fc.double({ noNaN: true }).filter((it) => !Object.is(it, -0)),
    fc.constant(null),
    fc.array(fc.integer(), { maxLength: 5 }),
    fc.record({ deep: fc.string() }, { noNullPrototype: true }),
  );
  const key = fc.string({ unit: "grapheme", maxLength: 20 })
    .filter((it) => it !== "__proto__");
  const headers = fc.dictionary(key, value, {
    maxKeys: 5,
    noNullPrototype: true,
  });
  await fc.assert(fc.asyncProperty(headers, async (sent) => {
    const properties = { headers: sent as never, correlationId: "c" };
    const read = await receiveOne(Uint8Array.of(1), properties);
    assert.deepEqual(read.properties, { headers: sent, correlationId: "c" });
  }));
});

Deno.test("headers that fit no frame are refused, and nothing is written", () => {
  const writer = new Writer();
  writer.heartbeat();
  const headers = { long: "x".repeat(5000) };
  const body = Uint8Array.of(1);
  assert.throws(
    () => writeMessage(writer, FRAME_MAX, target, body, { headers }),
    /a frame holds 4096/,
  );
  assert.deepEqual([...writer.take()], [8, 0, 0, 0, 0, 0, 0, 0xce]);
});

Deno.test("no frame is larger than was agreed on", () => {
  // The largest headers that fit.
  const room = FRAME_MAX - written(new Uint8Array(0), { headers: { "": "" } })
    .length +
    written(new Uint8Array(0), {}).length;
  const sizes = [0, 1, 2, 3].map((more) => {
    const headers = { "": "x".repeat(room - 50 + more) };
    const bytes = contentOf(written(new Uint8Array(9000), { headers }));
    const sizes: number[] = [];
    for (let at = 0; at < bytes.length; at += sizes.at(-1)!) {
      sizes.push(Buffer.from(bytes).readUInt32BE(at + 3) + 8);
    }
    return Math.max(...sizes);
  });
  assert.deepEqual(sizes, [FRAME_MAX, FRAME_MAX, FRAME_MAX, FRAME_MAX]);
});

Deno.test("a queue's name that is too long is refused", () => {
  const to = { ...target, routingKey: "q".repeat(256) };
  assert.throws(() => written(Uint8Array.of(1), {}, to), /AMQP allows 255/);
});

Deno.test("a returned message tells why and where to", async () => {
  const returned: ReturnedMessage[] = [];
  const feed = new Feed();
  const channel = await feed.open();
  channel.handlers = { onReturn: (it) => returned.push(it) };
  feed.answer("basic.return", {
    replyCode: 312,
    replyText: "NO_ROUTE",
    routingKey: encodeText("nowhere-é"),
  });
  feed.bytes(contentOf(written(Uint8Array.of(9), { correlationId: "c" })));
  assert.deepEqual(returned, [{
    replyCode: 312,
    replyText: "NO_ROUTE",
    routingKey: "nowhere-é",
    properties: { correlationId: "c" },
  }]);
});

Deno.test("confirms are told with their tag, and refusals as such", async () => {
  const confirms: unknown[] = [];
  const feed = new Feed();
  const channel = await feed.open();
  channel.handlers = { onConfirm: (...confirm) => confirms.push(confirm) };
  feed.answer("basic.ack", { deliveryTag: 7 });
  feed.answer("basic.ack", { deliveryTag: 2 ** 40 + 7, multiple: true });
  // A nack's second bit means nothing from a broker.
  feed.answer("basic.nack", { deliveryTag: 7, requeue: true });
  assert.deepEqual(confirms, [
    [7, false, true],
    [2 ** 40 + 7, true, true],
    [7, false, false],
  ]);
});

Deno.test("properties that can't be read cost one message", async () => {
  const good = written(Uint8Array.of(5), { headers: { odd: true } });
  const odd = Uint8Array.from(good);
  odd[odd.lastIndexOf("t".charCodeAt(0))] = "?".charCodeAt(0);
  const [first, second, ...others] = await receive(odd, good);
  assert.match(String(first!.malformed), /unknown type of field: \?/);
  assert.deepEqual(first!.properties, {});
  assert.deepEqual([...first!.body], [5]);
  assert.equal(second!.malformed, undefined);
  assert.deepEqual([...second!.body], [5]);
  assert.deepEqual(others, []);
});

const name = fc.string({ unit: "grapheme", maxLength: 20 });

Deno.test("basic.publish by hand is what the table of methods has", () => {
  const targets = fc.record({
    channel: fc.integer({ min: 1, max: 0xffff }),
    exchange: name,
    routingKey: name,
    mandatory: fc.boolean(),
  });
  const bodies = fc.uint8Array({ maxLength: 20 });
  fc.assert(fc.property(targets, bodies, name, (to, body, correlationId) => {
    const writer = new Writer();
    const { channel, ...args } = to;
    writeMethod(writer, channel, "basic.publish", args);
    writer.header(channel, body.length);
    writeProperties(writer, { correlationId });
    writer.end();
    writer.body(channel, body, 0, FRAME_MAX);
    assert.deepEqual(written(body, { correlationId }, to), writer.take());
  }));
});

Deno.test("basic.deliver by hand is what the table of methods has", () => {
  const args = fc.record({
    consumerTag: name.map(encodeText),
    deliveryTag: fc.maxSafeNat(),
    redelivered: fc.boolean(),
    exchange: name.map(encodeText),
    routingKey: name.map(encodeText),
  }, { noNullPrototype: true });
  fc.assert(fc.property(args, (sent) => {
    const frame = methodFrame("basic.deliver", sent);
    const reader = () => new Reader(frame, 11, frame.length - 1);
    assert.deepEqual(readArguments("basic.deliver", reader()), sent);
    const { deliveryTag, redelivered } = sent;
    assert.deepEqual(readDeliver(reader()), { deliveryTag, redelivered });
  }));
});

Deno.test("confirms by hand are what the table of methods has", async () => {
  const feed = new Feed();
  const channel = await feed.open();
  const confirms: unknown[] = [];
  channel.handlers = { onConfirm: (...confirm) => confirms.push(confirm) };
  fc.assert(fc.property(
    fc.constantFrom("basic.ack", "basic.nack"),
    fc.maxSafeNat(),
    fc.boolean(),
    (name, deliveryTag, multiple) => {
      feed.answer(name, { deliveryTag, multiple });
      const ok = name === "basic.ack";
      assert.deepEqual(confirms.pop(), [deliveryTag, multiple, ok]);
      const frame = methodFrame(name, { deliveryTag, multiple });
      const reader = new Reader(frame, 7, frame.length - 1);
      assert.equal(reader.long(), METHODS[name].id);
      const args = readArguments(name, reader);
      assert.deepEqual([args.deliveryTag, args.multiple], [
        deliveryTag,
        multiple,
      ]);
    },
  ));
});
