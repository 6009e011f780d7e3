// A message becomes frames, and frames become a message.

import { Buffer } from "node:buffer";
import { Channel } from "../../../src/amqp/channel.ts";
import { JoinedWrites } from "../../../src/amqp/joined_writes.ts";
import { writeMessage } from "../../../src/amqp/message_frames.ts";
import { writeMethod } from "../../../src/amqp091/arguments.ts";
import { FrameBuffer } from "../../../src/amqp091/frames.ts";
import { Reader } from "../../../src/amqp091/reader.ts";
import { Writer } from "../../../src/amqp091/writer.ts";
import { requestProperties } from "../../../src/rpc/wire.ts";

const FRAME_MAX = 128 * 1024;
const body = new TextEncoder().encode("30");
const nowMs = Date.now();
const properties = requestProperties({
  correlationId: crypto.randomUUID(),
  replyTo: "amq.gen-x",
  leftMs: 30_000,
}, nowMs);
const target = {
  channel: 1,
  exchange: "",
  routingKey: "rpc_queue",
  mandatory: true,
};

const writer = new Writer();

function write(): Uint8Array<ArrayBuffer> {
  for (let n = 0; n < 64; n++) {
    writeMessage(writer, FRAME_MAX, target, body, properties);
  }
  return writer.take();
}

Deno.bench("write 64 requests", { group: "messages" }, () => {
  writer.recycle(write());
});

// As a broker delivers it: basic.deliver in the place of basic.publish.
writeMethod(writer, 1, "basic.deliver", {
  consumerTag: "rpc",
  deliveryTag: 1,
  routingKey: "rpc_queue",
});
const deliver = writer.take().slice();
const published = write();
const size = published.length / 64;
const publishEnd = new DataView(published.buffer).getUint32(3) + 8;
const delivery = Buffer.concat([
  deliver,
  published.subarray(publishEnd, size),
]);
const deliveries = Buffer.concat(Array.from({ length: 64 }, () => delivery));

let read = 0;
const writes = new JoinedWrites(() => Promise.resolve(), (error) => {
  throw error;
});
const channel = new Channel({ writes, channelGone: () => {} }, 1);
channel.handlers = { onDelivery: () => read++ };
const frames = new FrameBuffer();
const reader = new Reader(new Uint8Array(0));

function feed(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const space = frames.space();
    const part = bytes.subarray(at, at + space.length);
    space.set(part);
    frames.filled(part.length);
    at += part.length;
    while (frames.next()) {
      reader.reset(frames.bytes, frames.start, frames.end);
      channel.take(frames, reader);
    }
  }
}

Deno.bench("read 64 requests", { group: "messages" }, () => {
  feed(deliveries);
  if (read === 0) throw new Error("nothing was read");
});
