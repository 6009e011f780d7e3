// Deliveries and what becomes of them. The same assertions for both brokers.

import { deepEqual, equal } from "node:assert/strict";
import { waitUntil } from "../support/wait.ts";
import type { TestChannel } from "./support/channel.ts";
import { Client } from "./support/client.ts";
import { args } from "./support/properties.ts";
import { channelTest, contractTest, unique } from "./support/contract.ts";

/** A queue with these messages. */
async function filled(
  channel: TestChannel,
  ...bodies: string[]
): Promise<string> {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  for (const body of bodies) await channel.publish("", queue, body);
  return queue;
}

/** The next deliveries: body, and whether it was delivered before. */
async function deliveries(
  channel: TestChannel,
  count: number,
): Promise<string[]> {
  const seen = [];
  for (let i = 0; i < count; i++) {
    const { text, redelivered } = await channel.next("basic.deliver");
    seen.push(redelivered ? `${text}!` : text);
  }
  return seen;
}

/** Everything waiting in a queue. */
async function drain(channel: TestChannel, queue: string): Promise<string[]> {
  const seen = [];
  for (let m = await channel.get(queue); m; m = await channel.get(queue)) {
    seen.push(m.redelivered ? `${m.text}!` : m.text);
  }
  return seen;
}

channelTest(
  "deliveries count from one and name their consumer",
  async (channel) => {
    const queue = await filled(channel, "a", "b");
    await channel.consume(queue, { tag: "me" });
    const [a, b] = [
      await channel.next("basic.deliver"),
      await channel.next("basic.deliver"),
    ];
    deepEqual([a.consumerTag, a.deliveryTag, a.redelivered, a.text], [
      "me",
      1,
      false,
      "a",
    ]);
    deepEqual([b.deliveryTag, b.exchange, b.routingKey], [2, "", queue]);
  },
);

channelTest("prefetch is for each consumer", async (channel) => {
  const queue = await filled(channel);
  await channel.qos(1);
  await channel.consume(queue, { tag: "one" });
  await channel.consume(queue, { tag: "two" });
  for (const body of "abcd") await channel.publish("", queue, body);
  const first = await channel.next("basic.deliver");
  const second = await channel.next("basic.deliver");
  deepEqual([first.consumerTag, second.consumerTag], ["one", "two"]);
  await channel.ack(second.deliveryTag);
  const third = await channel.next("basic.deliver");
  deepEqual([third.consumerTag, third.text], ["two", "c"]);
  equal((await channel.declareQueue(queue, { passive: true })).messages, 1);
});

channelTest("a global prefetch is for the channel, or ignored", async (
  channel,
  { globalQos },
) => {
  const queue = await filled(channel);
  await channel.qos(2, true);
  await channel.consume(queue, { tag: "one" });
  await channel.consume(queue, { tag: "two" });
  for (const body of "abcde") await channel.publish("", queue, body);
  // Ignored means that each consumer may have two.
  const taken = globalQos ? ["a", "b"] : ["a", "b", "c", "d"];
  deepEqual(await deliveries(channel, taken.length), taken);
  // RabbitMQ may count before it has taken all that was published.
  await waitUntil("the others to wait", async () => {
    const { messages } = await channel.declareQueue(queue, { passive: true });
    return messages === 5 - taken.length;
  }, 20_000);
  await channel.ack(1);
  deepEqual(await deliveries(channel, 1), [globalQos ? "c" : "e"]);
});

channelTest("consumers take turns", async (channel) => {
  const queue = await filled(channel);
  for (const tag of ["a", "b", "c"]) {
    await channel.consume(queue, { tag, noAck: true });
  }
  const seen = [];
  for (let i = 0; i < 9; i++) {
    await channel.publish("", queue, `${i}`);
    seen.push((await channel.next("basic.deliver")).consumerTag);
  }
  deepEqual(seen.join(""), "abcabcabc");
});

channelTest("a consumer of higher priority goes first", async (channel) => {
  const queue = await filled(channel);
  await channel.qos(1);
  await channel.consume(queue, { tag: "low" });
  await channel.consume(queue, {
    tag: "high",
    args: args({ "x-priority": 5 }),
  });
  for (const body of ["a", "b"]) await channel.publish("", queue, body);
  equal((await channel.next("basic.deliver")).consumerTag, "high");
  equal((await channel.next("basic.deliver")).consumerTag, "low");
});

channelTest("only one active consumer, where asked for", async (channel) => {
  const { queue } = await channel.declareQueue("", {
    exclusive: true,
    args: args({ "x-single-active-consumer": true }),
  });
  await channel.consume(queue, { tag: "first", noAck: true });
  await channel.consume(queue, { tag: "second", noAck: true });
  for (const body of ["a", "b"]) {
    await channel.publish("", queue, body);
    equal((await channel.next("basic.deliver")).consumerTag, "first");
  }
  await channel.cancel("first");
  await channel.publish("", queue, "c");
  equal((await channel.next("basic.deliver")).consumerTag, "second");
});

channelTest("an exclusive consumer is alone", async ({ client }) => {
  const channel = await client.channel(2);
  const queue = await filled(channel);
  const text =
    `ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`;
  await channel.consume(queue, { exclusive: true });
  const other = await client.channel(3);
  await other.sendConsume(queue);
  equal(await other.refused(), text);
  const third = await client.channel(4);
  const shared = await filled(third);
  await third.consume(shared);
  await third.sendConsume(shared, { exclusive: true });
  equal(await third.refused(), text.replace(queue, shared));
});

channelTest("acks may be multiple, and 0 is all", async (channel) => {
  const queue = await filled(channel, "a", "b", "c", "d", "e");
  await channel.consume(queue, { tag: "t" });
  await deliveries(channel, 5);
  await channel.ack(2);
  await channel.ack(3, true);
  await channel.cancel("t");
  await channel.nack(0, { multiple: true, requeue: true });
  deepEqual(await drain(channel, queue), ["d!", "e!"]);
  await channel.ack(0, true);
  await channel.declareQueue(queue, { passive: true });
});

channelTest(
  "an unknown delivery tag is refused with 406",
  async ({ client }) => {
    const text = (tag: number) =>
      `PRECONDITION_FAILED - unknown delivery tag ${tag}`;
    const settlings: [(channel: TestChannel) => Promise<void>, number][] = [
      [(channel) => channel.ack(1), 1],
      [(channel) => channel.ack(0), 0],
      [(channel) => channel.ack(7, true), 7],
      [(channel) => channel.nack(3), 3],
      [(channel) => channel.reject(4, true), 4],
    ];
    for (const [settle, tag] of settlings) {
      const channel = await client.channel(2);
      await settle(channel);
      equal(await channel.refused(), text(tag));
    }
    const channel = await client.channel(2);
    const queue = await filled(channel, "a");
    await channel.get(queue, false);
    await channel.ack(1);
    await channel.ack(1);
    equal(await channel.refused(), text(1));
  },
);

channelTest("requeued messages find their old place", async (channel) => {
  const queue = await filled(channel, "a", "b", "c", "d", "e");
  for (let i = 0; i < 4; i++) await channel.get(queue, false);
  await channel.reject(3, true);
  await channel.nack(1, { requeue: true });
  await channel.ack(2);
  deepEqual(await drain(channel, queue), ["a!", "c!", "e"]);
});

channelTest("rejected messages without requeue are gone", async (channel) => {
  const queue = await filled(channel, "a", "b");
  for (let i = 0; i < 2; i++) await channel.get(queue, false);
  await channel.reject(1, false);
  await channel.nack(2);
  deepEqual(await drain(channel, queue), []);
});

channelTest("recover delivers again what was not settled", async (channel) => {
  const queue = await filled(channel, "a", "b", "c");
  await channel.consume(queue);
  deepEqual(await deliveries(channel, 3), ["a", "b", "c"]);
  await channel.ack(2);
  await channel.send(60, 110, (o) => o.octet(1));
  const seen: string[] = [];
  while (seen.length < 3) {
    const event = await channel.client.event(
      (e) => e.channel === 1,
      "delivery",
    );
    seen.push(event.name);
  }
  deepEqual(seen.sort(), [
    "basic.deliver",
    "basic.deliver",
    "basic.recover-ok",
  ]);
});

channelTest(
  "a closed channel gives back its messages, in order",
  async (channel) => {
    const { client } = channel;
    const queue = await filled(channel, "a", "b", "c");
    const other = await client.channel(2);
    await other.qos(2);
    await other.consume(queue);
    await deliveries(other, 2);
    await other.close();
    await channel.consume(queue);
    deepEqual(await deliveries(channel, 3), ["a!", "b!", "c"]);
  },
);

contractTest("a lost connection gives back its messages", async (url) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  const name = unique();
  await channel.declareQueue(name);
  for (const body of ["a", "b"]) await channel.publish("", name, body);
  const lost = await Client.connect(url);
  const theirs = await lost.channel();
  await theirs.consume(name);
  await deliveries(theirs, 2);
  await channel.consume(name);
  await lost[Symbol.asyncDispose]();
  deepEqual(await deliveries(channel, 2), ["a!", "b!"]);
  await channel.deleteQueue(name);
});

channelTest(
  "cancelling leaves what was delivered to be settled",
  async (channel) => {
    const queue = await filled(channel, "a");
    const tag = await channel.consume(queue);
    await channel.next("basic.deliver");
    await channel.cancel(tag);
    await channel.cancel("never there");
    await channel.nack(1, { requeue: true });
    deepEqual(await drain(channel, queue), ["a!"]);
  },
);

channelTest("a transaction happens when it is committed", async (channel) => {
  const queue = await filled(channel, "old");
  await channel.get(queue, false);
  await channel.send(90, 10);
  await channel.next("tx.select-ok");
  await channel.publish("", queue, "new");
  await channel.ack(1);
  equal((await channel.declareQueue(queue, { passive: true })).messages, 0);
  await channel.send(90, 30);
  await channel.next("tx.rollback-ok");
  await channel.publish("", queue, "newer");
  await channel.nack(1, { requeue: true });
  await channel.send(90, 20);
  await channel.next("tx.commit-ok");
  deepEqual(await drain(channel, queue), ["old!", "newer"]);
});

channelTest(
  "transactions and confirms exclude each other",
  async ({ client }) => {
    const refuse = async (...methods: [number, number][]) => {
      const channel = await client.channel(2);
      for (const [i, [classId, method]] of methods.entries()) {
        await channel.send(
          classId,
          method,
          (o) => classId === 85 && o.octet(0),
        );
        if (i === methods.length - 1) break;
        await channel.next(
          classId === 90 ? "tx.select-ok" : "confirm.select-ok",
        );
      }
      return await channel.refused();
    };
    const text = (why: string) => `PRECONDITION_FAILED - ${why}`;
    equal(
      await refuse([90, 10], [85, 10]),
      text("cannot switch from tx to confirm mode"),
    );
    equal(
      await refuse([85, 10], [90, 10]),
      text("cannot switch from confirm to tx mode"),
    );
    equal(await refuse([90, 20]), text("channel is not transactional"));
  },
);
