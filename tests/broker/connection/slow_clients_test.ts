// A client that does not read what it is sent costs bounded memory.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Reader } from "../../../src/amqp091/reader.ts";
import { startBroker } from "../../../src/broker/broker.ts";
import { test } from "../../support/needs.ts";
import { Client } from "../support/client.ts";
import { memory } from "../support/memory.ts";

const MB = 1024 * 1024;

test("a client that does not read is given no more than fits, and the rest later", async () => {
  await using broker = await startBroker({ outgoingHighWater: MB });
  await using publisher = await Client.connect(broker.url);
  const channel = await publisher.channel();
  await channel.declareQueue("flood");
  await using slow = await Client.connect(broker.url);
  const consumer = await slow.channel();
  await consumer.consume("flood", { noAck: true });
  slow.pause();
  const count = 400;
  for (let i = 0; i < count; i++) {
    await channel.publish("", "flood", new Uint8Array(100_000).fill(i));
  }
  const { messages } = await channel.declareQueue("flood", { passive: true });
  // The system's own buffers take some megabytes on a loopback connection.
  ok(messages > count / 2, `only ${messages} of ${count} messages were left`);
  slow.resume();
  for (let i = 0; i < count; i++) {
    const { deliveryTag, body } = await consumer.next("basic.deliver");
    deepEqual([deliveryTag, body.length, body[0]], [i + 1, 100_000, i & 255]);
  }
});

test("a client that asks for more than it reads is not read from", async () => {
  await using broker = await startBroker({ outgoingHighWater: MB });
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  const { queue } = await channel.declareQueue("", { exclusive: true });
  const count = 300;
  for (let i = 0; i < count; i++) {
    await channel.publish("", queue, new Uint8Array(100_000));
  }
  await using witness = await Client.connect(broker.url);
  client.pause();
  for (let i = 0; i < count; i++) {
    await channel.send(60, 70, (o) => o.short(0).shortstr(queue).octet(1));
  }
  await witness.channel();
  ok(memory() < 400 * MB);
  client.resume();
  for (let left = count - 1; left >= 0; left--) {
    equal((await channel.next("basic.get-ok")).messages, left);
  }
});

test("who does not read its direct replies is given up", async () => {
  await using broker = await startBroker({ outgoingHighWater: MB });
  await using slow = await Client.connect(broker.url);
  const caller = await slow.channel();
  await caller.consume("amq.rabbitmq.reply-to", { noAck: true });
  const { queue } = await caller.declareQueue("", { exclusive: true });
  await caller.publish("", queue, "q", {
    properties: { replyTo: "amq.rabbitmq.reply-to" },
  });
  const request = await caller.get(queue);
  const name = new Reader(request?.properties ?? new Uint8Array(3), 2)
    .shortstr();
  slow.pause();
  await using server = await Client.connect(broker.url);
  const channel = await server.channel();
  for (let i = 0; i < 200; i++) {
    await channel.publish("", name, new Uint8Array(100_000));
  }
  await channel.sendDeclareQueue(name, { passive: true });
  match(await channel.refused(), /^NOT_FOUND/);
  slow.resume();
});
