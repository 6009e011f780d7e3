// RabbitMQ's tutorials one to seven in amqplib against the embedded broker.

import { test } from "../support/needs.ts";
import { Buffer } from "node:buffer";
import { deepEqual, equal, rejects } from "node:assert/strict";
import { setImmediate } from "node:timers";
import {
  type Channel,
  type ChannelModel,
  connect,
  type ConsumeMessage,
} from "amqplib";
import { startBroker } from "../../src/broker/broker.ts";

/** Registers a test with a connection and a channel. */
function tutorial(name: string, fn: (channel: Channel) => Promise<void>): void {
  test(`amqplib: ${name}`, async () => {
    await using broker = await startBroker();
    const connection = await connect(broker.url);
    await fn(await connection.createChannel());
    await close(connection);
  });
}

/** Closes, and lets what amqplib has yet to do in this turn be done. */
async function close(connection: ChannelModel): Promise<void> {
  await connection.close();
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The first messages of a queue, acknowledged. */
async function take(
  channel: Channel,
  queue: string,
  count: number,
): Promise<string[]> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen: string[] = [];
  const { consumerTag } = await channel.consume(queue, (message) => {
    if (message === null) return;
    channel.ack(message);
    seen.push(`${message.fields.routingKey} ${message.content}`);
    if (seen.length === count) resolve();
  });
  await promise;
  await channel.cancel(consumerTag);
  return seen;
}

async function bound(
  channel: Channel,
  exchange: string,
  ...keys: string[]
): Promise<string> {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  for (const key of keys) await channel.bindQueue(queue, exchange, key);
  return queue;
}

tutorial("one, hello world", async (channel) => {
  await channel.assertQueue("hello");
  channel.sendToQueue("hello", Buffer.from("Hello World!"));
  deepEqual(await take(channel, "hello", 1), ["hello Hello World!"]);
});

tutorial("two, work queues", async (channel) => {
  await channel.assertQueue("tasks", { durable: true });
  await channel.prefetch(1);
  for (const task of ["a", "b", "c"]) {
    channel.sendToQueue("tasks", Buffer.from(task), { persistent: true });
  }
  deepEqual(await take(channel, "tasks", 3), ["tasks a", "tasks b", "tasks c"]);
});

tutorial("three, publish and subscribe", async (channel) => {
  await channel.assertExchange("logs", "fanout", { durable: false });
  const queues = [
    await bound(channel, "logs", ""),
    await bound(channel, "logs", ""),
  ];
  channel.publish("logs", "", Buffer.from("info"));
  for (const queue of queues) {
    deepEqual(await take(channel, queue, 1), [" info"]);
  }
});

tutorial("four, routing", async (channel) => {
  await channel.assertExchange("direct_logs", "direct", { durable: false });
  const queue = await bound(channel, "direct_logs", "warning", "error");
  for (const key of ["info", "warning", "error"]) {
    channel.publish("direct_logs", key, Buffer.from("x"));
  }
  deepEqual(await take(channel, queue, 2), ["warning x", "error x"]);
});

tutorial("five, topics", async (channel) => {
  await channel.assertExchange("topic_logs", "topic", { durable: false });
  const queue = await bound(channel, "topic_logs", "kern.*", "*.critical");
  for (
    const key of ["kern.info", "cron.info", "cron.critical", "kern.critical"]
  ) {
    channel.publish("topic_logs", key, Buffer.from("x"));
  }
  deepEqual(await take(channel, queue, 3), [
    "kern.info x",
    "cron.critical x",
    "kern.critical x",
  ]);
});

const fib = (n: number): number => n < 2 ? n : fib(n - 1) + fib(n - 2);

tutorial("six, RPC", async (channel) => {
  await channel.assertQueue("rpc_queue");
  await channel.consume("rpc_queue", (message) => {
    if (message === null) return;
    const answer = Buffer.from(`${fib(Number(message.content.toString()))}`);
    const { replyTo, correlationId } = message.properties;
    channel.sendToQueue(`${replyTo}`, answer, { correlationId });
    channel.ack(message);
  });
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const pending = new Map<string, (answer: string) => void>();
  const onReply = (message: ConsumeMessage | null) => {
    pending.get(`${message?.properties.correlationId}`)?.(
      `${message?.content}`,
    );
  };
  await channel.consume(queue, onReply, { noAck: true });
  const answers = await Promise.all(
    [1, 10, 15].map((n) =>
      new Promise<string>((resolve) => {
        const correlationId = crypto.randomUUID();
        pending.set(correlationId, resolve);
        channel.sendToQueue("rpc_queue", Buffer.from(`${n}`), {
          correlationId,
          replyTo: queue,
        });
      })
    ),
  );
  deepEqual(answers, ["1", "55", "610"]);
});

test("amqplib: seven, publisher confirms", async () => {
  await using broker = await startBroker();
  const connection = await connect(broker.url);
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    arguments: { "x-max-length": 20, "x-overflow": "reject-publish" },
  });
  for (let i = 0; i < 20; i++) channel.sendToQueue(queue, Buffer.from(`${i}`));
  await channel.waitForConfirms();
  equal((await channel.checkQueue(queue)).messageCount, 20);
  channel.sendToQueue(queue, Buffer.from("too many"));
  await rejects(channel.waitForConfirms());
  await close(connection);
});
