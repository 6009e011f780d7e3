// Quorum queues: how often they deliver a message, what they say of it, and
// what they can't be. The same assertions for both brokers.

import { deepEqual, equal } from "node:assert/strict";
import { headersOf } from "../../src/broker/routing/properties.ts";
import {
  asArray,
  asInteger,
  asString,
  asTable,
  lookup,
} from "../../src/amqp091/table.ts";
import type { TestChannel } from "./support/channel.ts";
import { Client } from "./support/client.ts";
import { args } from "./support/properties.ts";
import { channelTest, contractTest, unique } from "./support/contract.ts";

const QUORUM = { "x-queue-type": "quorum" };

/** A quorum queue with a message, and the queue of its dead letters. */
async function filled(channel: TestChannel, limit?: number) {
  const { queue: dead } = await channel.declareQueue("", { exclusive: true });
  const queue = unique("quorum");
  await channel.declareQueue(queue, {
    args: args({
      ...QUORUM,
      ...(limit !== undefined && { "x-delivery-limit": limit }),
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": dead,
    }),
  });
  await channel.publish("", queue, "poison");
  return { queue, dead };
}

/** What the headers of a delivery count. */
function counts(properties: Uint8Array) {
  const headers = headersOf(properties);
  const count = (key: string) => asInteger(lookup(headers, key));
  return {
    acquired: count("x-acquired-count"),
    delivered: count("x-delivery-count"),
  };
}

/** Takes a message as often as it comes, and gives it back in this way. */
async function deliveries(
  channel: TestChannel,
  queue: string,
  count: number,
  giveBack: (tag: number) => Promise<void>,
) {
  const seen = [];
  await channel.consume(queue);
  for (let i = 0; i < count; i++) {
    const { deliveryTag, redelivered, properties } = await channel.next(
      "basic.deliver",
    );
    equal(redelivered, i > 0);
    seen.push(counts(properties));
    await giveBack(deliveryTag);
  }
  return seen;
}

channelTest("a rejected message comes back as often as the limit says", async (
  channel,
  { countsAcquired },
) => {
  const { queue, dead } = await filled(channel, 2);
  const letters = await channel.client.channel(2);
  await letters.consume(dead, { noAck: true });
  const seen = await deliveries(
    channel,
    queue,
    3,
    (tag) => channel.reject(tag, true),
  );
  const counted = (n: bigint) => ({
    acquired: countsAcquired ? n : undefined,
    delivered: n,
  });
  const none = { acquired: undefined, delivered: undefined };
  deepEqual(seen, [none, counted(1n), counted(2n)]);
  const letter = await letters.next("basic.deliver");
  deepEqual(counts(letter.properties), none);
  const [death] = asArray(lookup(headersOf(letter.properties), "x-death")) ??
    [];
  const reason = asString(lookup(asTable(death) ?? [], "reason"));
  deepEqual([letter.text, reason], ["poison", "delivery_limit"]);
  await letters.deleteQueue(queue);
});

channelTest("a nack counts as a failed delivery, or does not", async (
  channel,
  { countsNacks, countsAcquired },
) => {
  const { queue, dead } = await filled(channel, 2);
  const letters = await channel.client.channel(2);
  await letters.consume(dead, { noAck: true });
  const times = countsNacks ? 3 : 10;
  const seen = await deliveries(
    channel,
    queue,
    times,
    (tag) => channel.nack(tag, { requeue: true }),
  );
  deepEqual(seen.at(-1), {
    acquired: countsAcquired ? BigInt(times - 1) : undefined,
    delivered: countsNacks ? BigInt(times - 1) : undefined,
  });
  if (countsNacks) {
    equal((await letters.next("basic.deliver")).text, "poison");
  } else equal((await channel.next("basic.deliver")).redelivered, true);
  await letters.deleteQueue(queue);
});

channelTest("without a limit of its own a queue has the default", async (
  channel,
  { deliveryLimit },
) => {
  const { queue, dead } = await filled(channel);
  const letters = await channel.client.channel(2);
  await letters.consume(dead, { noAck: true });
  const times = deliveryLimit === Infinity ? 25 : deliveryLimit + 1;
  await deliveries(channel, queue, times, (tag) => channel.reject(tag, true));
  if (deliveryLimit === Infinity) await channel.next("basic.deliver");
  else equal((await letters.next("basic.deliver")).text, "poison");
  await letters.deleteQueue(queue);
});

contractTest("a consumer that goes without a word has failed", async (url) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  const { queue, dead } = await filled(channel, 1);
  await channel.consume(dead, { noAck: true });
  for (let i = 0; i < 2; i++) {
    await using lost = await Client.connect(url);
    const theirs = await lost.channel();
    await theirs.consume(queue);
    await theirs.next("basic.deliver");
  }
  equal((await channel.next("basic.deliver")).text, "poison");
  await channel.deleteQueue(queue);
});

channelTest("what comes back goes to its place, or to the end", async (
  channel,
  { requeuesAtEnd },
) => {
  for (const limit of [undefined, 5]) {
    const { queue } = await filled(channel, limit);
    for (const body of ["b", "c"]) await channel.publish("", queue, body);
    await channel.qos(1);
    const tag = await channel.consume(queue);
    const { deliveryTag } = await channel.next("basic.deliver");
    await channel.cancel(tag);
    await channel.reject(deliveryTag, true);
    await channel.consume(queue, { noAck: true });
    const seen = [];
    for (let i = 0; i < 3; i++) {
      seen.push((await channel.next("basic.deliver")).text);
    }
    const atEnd = requeuesAtEnd && limit === undefined;
    deepEqual(seen, atEnd ? ["b", "c", "poison"] : ["poison", "b", "c"]);
    await channel.deleteQueue(queue);
  }
});

channelTest("what a quorum queue can't be is refused with 406", async (
  { client },
  { namesDefaultType },
) => {
  const refused = async (
    name: string,
    options: Parameters<TestChannel["sendDeclareQueue"]>[1],
  ) => {
    const channel = await client.channel(99);
    await channel.sendDeclareQueue(name, options);
    return (await channel.refused()).replace("PRECONDITION_FAILED - ", "");
  };
  const name = unique("quorum");
  const what = `queue '${name}' in vhost '/'`;
  const quorum = args(QUORUM);
  const property = (property: string) =>
    `invalid property '${property}' for ${what}`;
  equal(
    await refused(name, { exclusive: true, args: quorum }),
    property("exclusive-owner"),
  );
  equal(
    await refused(name, { autoDelete: true, args: quorum }),
    property("auto-delete"),
  );
  equal(
    await refused(name, { durable: false, args: quorum }),
    property("non-durable"),
  );
  equal(
    await refused("", { args: quorum }),
    "Cannot declare a server-named queue for type rabbit_quorum_queue",
  );
  equal(
    await refused(name, { args: args({ ...QUORUM, "x-max-priority": 5 }) }),
    `invalid arg 'x-max-priority' for ${what} of queue type rabbit_quorum_queue`,
  );
  equal(
    await refused(name, { args: args({ "x-delivery-limit": 5 }) }),
    `invalid arg 'x-delivery-limit' for ${what} of queue type rabbit_classic_queue`,
  );
  const channel = await client.channel(2);
  await channel.declareQueue(name, { args: quorum });
  equal(
    await refused(name, {}),
    `inequivalent arg 'x-queue-type' for ${what}: received ` +
      (namesDefaultType
        ? "'classic' but current is 'quorum'"
        : "none but current is the value 'quorum' of type 'longstr'"),
  );
  await channel.deleteQueue(name);
});

contractTest("who may ask for a consumer timeout", async (url, {
  consumerTimeouts,
}) => {
  await using client = await Client.connect(url);
  let number = 1;
  const asking = async (queue: string, timeout: number | string) => {
    const channel = await client.channel(number++);
    const asked = args({ "x-consumer-timeout": timeout });
    if (consumerTimeouts !== "quorum") {
      return void await channel.consume(queue, { args: asked });
    }
    await channel.sendConsume(queue, { args: asked });
    return await channel.refused();
  };
  for (const type of ["classic", "quorum"]) {
    const channel = await client.channel(number++);
    const queue = unique(type);
    await channel.declareQueue(queue, { args: args({ "x-queue-type": type }) });
    const invalid = `PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' ` +
      `for queue '${queue}' in vhost '/'`;
    const ofClassic = `${invalid} of queue type rabbit_classic_queue`;
    const expected = (why: string) =>
      consumerTimeouts !== "quorum"
        ? undefined
        : type === "classic"
        ? ofClassic
        : `${invalid}: ${why}`;
    const said = await asking(queue, "soon");
    equal(said, expected('"expected integer, got longstr"'));
    equal(await asking(queue, -1), expected("{value_negative,-1}"));
    await channel.deleteQueue(queue);
  }
});

contractTest("a quorum queue knows no global prefetch", async (url, {
  globalQos,
}) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  const { queue } = await filled(channel);
  const other = await client.channel(2);
  await other.qos(1, true);
  await other.sendConsume(queue);
  if (!globalQos) {
    await other.next("basic.consume-ok");
    return;
  }
  equal(
    (await client.closed()).replyText,
    `NOT_IMPLEMENTED - queue '${queue}' in vhost '/' does not support global qos`,
  );
});
