// Tests of src/amqp/frames/publish_frames.ts and src/amqp/frames/receiver.ts: what one
// writes, the other reads, by way of src/amqp/frames/frame_reader.ts.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { FrameReader } from "../../../src/amqp/frames/frame_reader.ts";
import {
  type Target,
  writeMessage,
} from "../../../src/amqp/frames/publish_frames.ts";
import {
  type ChannelHandlers,
  MessageReceiver,
} from "../../../src/amqp/frames/receiver.ts";
import { MessageView } from "../../../src/amqp/frames/view.ts";
import { JoinedWrites } from "../../../src/amqp/frames/writes.ts";
import type {
  Delivery,
  MessageProperties,
  ReturnedMessage,
} from "../../../src/rpc/transport.ts";

const FRAME_MAX = 4096;
const METHOD_FRAME = 1;
const target: Target = {
  channel: 3,
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
  const chunks: Uint8Array[] = [];
  const writes = new JoinedWrites((bytes) => chunks.push(bytes.slice()));
  writeMessage(writes, FRAME_MAX, to, body, properties);
  writes.flush();
  return Buffer.concat(chunks);
}

/** A method frame of class basic, with the fields that `fill` writes. */
function method(id: number, fill: (view: MessageView) => number): Uint8Array {
  const payload = new Uint8Array(300);
  const view = new MessageView(payload);
  view.setUint16(0, 60);
  view.setUint16(2, id);
  const end = fill(view);
  const frame = new Uint8Array(end + 8);
  new DataView(frame.buffer).setUint8(0, METHOD_FRAME);
  new DataView(frame.buffer).setUint16(1, target.channel);
  new DataView(frame.buffer).setUint32(3, end);
  frame.set(payload.subarray(0, end), 7);
  frame[end + 7] = 0xce;
  return frame;
}

const deliver = method(60, (view) => {
  let at = 4 + view.setShortString(4, "the-consumer-tag");
  view.setUint64(at, 42);
  view.setUint8(at + 8, 1);
  at += 9;
  at += view.setShortString(at, "exchange");
  return at + view.setShortString(at, "routing.key");
});

/** What comes after basic.publish: the content, whoever sends it. */
function contentOf(message: Uint8Array): Uint8Array {
  const size = new DataView(message.buffer, message.byteOffset).getUint32(3);
  return message.subarray(size + 8);
}

function receive(handlers: ChannelHandlers) {
  const receiver = new MessageReceiver(handlers);
  const refused: number[] = [];
  const reader = new FrameReader(
    (view, type, _channel, at, size) => {
      if (!receiver.take(view, type, at, size)) refused.push(type);
    },
  );
  return { refused, read: (b: Uint8Array) => reader.read(Buffer.from(b)) };
}

function receiveOne(body: Uint8Array, properties: MessageProperties): Delivery {
  const deliveries: Delivery[] = [];
  const { read } = receive({ onDelivery: (it) => deliveries.push(it) });
  read(deliver);
  read(contentOf(written(body, properties)));
  assert.equal(deliveries.length, 1);
  return deliveries[0]!;
}

Deno.test("bodies of any size survive, however many frames they take", () => {
  for (const size of [0, 1, 2, 4087, 4088, 4089, 8176, 8177, 300_000]) {
    const body = Uint8Array.from({ length: size }, (_, n) => n % 251);
    const { body: read, deliveryTag, redelivered } = receiveOne(body, {});
    assert.deepEqual(Buffer.from(read), Buffer.from(body));
    assert.deepEqual([deliveryTag, redelivered], [42, true]);
  }
});

Deno.test("headers of any kind and length survive", () => {
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
  fc.assert(fc.property(headers, (sent) => {
    const properties = { headers: sent as never, correlationId: "c" };
    assert.deepEqual(receiveOne(Uint8Array.of(1), properties).properties, {
      headers: sent,
      correlationId: "c",
    });
  }));
});

Deno.test("headers that fit no frame are refused, and nothing is written", () => {
  const chunks: Uint8Array[] = [];
  const writes = new JoinedWrites((bytes) => chunks.push(bytes));
  const headers = { long: "x".repeat(5000) };
  assert.throws(
    () =>
      writeMessage(writes, FRAME_MAX, target, Uint8Array.of(1), { headers }),
    /a frame holds 4096/,
  );
  writes.flush();
  assert.deepEqual(chunks, []);
});

Deno.test("a queue's name that is too long is refused", () => {
  const to = { ...target, routingKey: "q".repeat(256) };
  assert.throws(() => written(Uint8Array.of(1), {}, to), /AMQP allows 255/);
});

Deno.test("a returned message tells why and where to", () => {
  const returned: ReturnedMessage[] = [];
  const { read } = receive({ onReturn: (it) => returned.push(it) });
  read(method(50, (view) => {
    view.setUint16(4, 312);
    let at = 6 + view.setShortString(6, "NO_ROUTE");
    at += view.setShortString(at, "");
    return at + view.setShortString(at, "nowhere");
  }));
  read(contentOf(written(Uint8Array.of(9), { correlationId: "c" })));
  assert.deepEqual(returned, [{
    replyCode: 312,
    replyText: "NO_ROUTE",
    routingKey: "nowhere",
    properties: { correlationId: "c" },
  }]);
});

Deno.test("confirms are told with their tag, and refusals as such", () => {
  const confirms: unknown[] = [];
  const { read, refused } = receive({
    onConfirm: (...confirm) => confirms.push(confirm),
  });
  const confirm = (id: number, multiple: number) =>
    method(id, (view) => {
      view.setUint64(4, 7);
      view.setUint8(12, multiple);
      return 13;
    });
  read(confirm(80, 0));
  read(confirm(80, 1));
  // A nack's second bit means nothing from a broker.
  read(confirm(120, 2));
  assert.deepEqual(confirms, [[7, false, true], [7, true, true], [
    7,
    false,
    false,
  ]]);
  assert.deepEqual(refused, []);
});

Deno.test("other frames are left to the library", () => {
  const { read, refused } = receive({});
  const consumeOk = method(21, (view) => 4 + view.setShortString(4, "tag"));
  read(consumeOk);
  assert.deepEqual(refused, [METHOD_FRAME]);
  // Content without a delivery is no message of ours.
  read(contentOf(written(Uint8Array.of(1), {})));
  assert.deepEqual(refused, [METHOD_FRAME, 2, 3]);
});

Deno.test("properties that can't be read cost one message", () => {
  const deliveries: Delivery[] = [];
  const { read } = receive({ onDelivery: (it) => deliveries.push(it) });
  const content = contentOf(
    written(Uint8Array.of(5), { headers: { odd: true } }),
  );
  const odd = Uint8Array.from(content);
  odd[odd.lastIndexOf("t".charCodeAt(0))] = "?".charCodeAt(0);
  read(deliver);
  read(odd);
  read(deliver);
  read(content);
  assert.equal(deliveries.length, 2);
  const [first, second] = deliveries;
  assert.match(String(first!.malformed), /not supported/);
  assert.deepEqual(first!.properties, {});
  assert.equal(second!.malformed, undefined);
  assert.deepEqual([...second!.body], [5]);
});
