// A message becomes frames, and frames become a message.

import { Buffer } from "node:buffer";
import { FrameReader } from "../../../src/amqp/frames/frame_reader.ts";
import { writeMessage } from "../../../src/amqp/frames/publish_frames.ts";
import { MessageReceiver } from "../../../src/amqp/frames/receiver.ts";
import { JoinedWrites } from "../../../src/amqp/frames/writes.ts";
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

let frames = Buffer.alloc(0);
const writes = new JoinedWrites((bytes, onWritten) => {
  frames = Buffer.from(bytes);
  onWritten();
});

function write(): void {
  writeMessage(writes, FRAME_MAX, target, body, properties);
}

Deno.bench("write a request, 64 a flush", { group: "messages" }, () => {
  for (let n = 0; n < 64; n++) write();
  writes.flush();
});

// As a broker delivers it: basic.deliver in the place of basic.publish.
write();
writes.flush();
const deliver = Uint8Array.of(
  ...[1, 0, 1, 0, 0, 0, 27, 0, 60, 0, 60, 3, 116, 97, 103],
  ...[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 4, 114, 112, 99, 95, 1, 113, 0xce],
);
const publishEnd = frames.readUInt32BE(3) + 8;
deliver[6] = deliver.length - 8;
const delivery = Buffer.concat([deliver, frames.subarray(publishEnd)]);
const deliveries = Buffer.concat(Array.from({ length: 64 }, () => delivery));

let read = 0;
const receiver = new MessageReceiver({ onDelivery: () => read++ });
const reader = new FrameReader((view, type, _channel, at, size) => {
  receiver.take(view, type, at, size);
});

Deno.bench("read 64 requests", { group: "messages" }, () => {
  reader.read(deliveries);
  if (read === 0) throw new Error("nothing was read");
});
