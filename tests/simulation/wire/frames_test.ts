// The simulation's own reader of AMQP understands what the product writes.

import assert from "node:assert/strict";
import { writeMessage } from "../../../src/amqp/message_frames.ts";
import { writeMethod } from "../../../src/amqp091/arguments.ts";
import { Writer } from "../../../src/amqp091/writer.ts";
import { FrameReader, type Method } from "./frames.ts";

function written(): Uint8Array {
  const writer = new Writer();
  const target = {
    channel: 3,
    exchange: "",
    routingKey: "queue",
    mandatory: true,
  };
  writeMethod(writer, 1, "basic.ack", { deliveryTag: 7, multiple: true });
  writeMessage(writer, 4096, target, new Uint8Array(10_000).fill(65), {
    correlationId: "id",
    replyTo: "reply",
    expiration: "500",
    deliveryMode: 2,
    headers: { "rpc-deadline": 1 },
  });
  writeMethod(writer, 2, "channel.close", { replyCode: 404, replyText: "no" });
  return writer.take();
}

for (const pieceBytes of [1, 7, 100_000]) {
  Deno.test(`frames are read that come by ${pieceBytes} bytes`, () => {
    const methods: Method[] = [];
    const reader = new FrameReader(false, (method) => methods.push(method));
    const bytes = written();
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      reader.take(bytes.subarray(at, at + pieceBytes));
    }
    const [ack, publish, close, ...others] = methods;
    assert.deepEqual(others, []);
    assert.ok(reader.isBetween);
    assert.deepEqual(ack, {
      channel: 1,
      name: "basic.ack",
      deliveryTag: 7,
      multiple: true,
    });
    assert.deepEqual(publish, {
      channel: 3,
      name: "basic.publish",
      exchange: "",
      routingKey: "queue",
      properties: {
        correlationId: "id",
        replyTo: "reply",
        expiration: "500",
        deliveryMode: 2,
      },
      body: "A".repeat(12),
      bodyLength: 10_000,
    });
    assert.equal(close?.replyCode, 404);
  });
}
