// Messages that expire, overflow or are rejected, and where they go. The same
// assertions for both brokers.

import { deepEqual, equal } from "node:assert/strict";
import {
  arrayField,
  asArray,
  asInteger,
  asString,
  asTable,
  lookup,
  stringField,
} from "../../src/amqp091/table.ts";
import { headersOf } from "../../src/broker/routing/properties.ts";
import type { TestChannel } from "./support/channel.ts";
import { args } from "./support/properties.ts";
import { channelTest, unique } from "./support/contract.ts";

/** Everything waiting in a queue. */
async function drain(channel: TestChannel, queue: string): Promise<string[]> {
  const seen = [];
  for (let m = await channel.get(queue); m; m = await channel.get(queue)) {
    seen.push(m.redelivered ? `${m.text}!` : m.text);
  }
  return seen;
}

channelTest("messages expire from the front of the queue", async (channel) => {
  const { queue: dead } = await channel.declareQueue("", { exclusive: true });
  const { queue } = await channel.declareQueue("", {
    exclusive: true,
    args: args({
      "x-message-ttl": 60_000,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": dead,
    }),
  });
  await channel.consume(dead, { noAck: true });
  await channel.publish("", queue, "short", {
    properties: { expiration: "50" },
  });
  await channel.publish("", queue, "long");
  await channel.publish("", queue, "behind", {
    properties: { expiration: "0" },
  });
  const letter = await channel.next("basic.deliver");
  equal(letter.text, "short");
  deepEqual(death(letter.properties), {
    count: 1n,
    reason: "expired",
    queue,
    exchange: "",
    keys: [queue],
    original: "50",
  });
  equal((await channel.declareQueue(queue, { passive: true })).messages, 2);
});

for (
  const [what, ttl, expiration] of [
    ["an expiration of 0", undefined, "0"],
    ["a time to live of 0", 0, undefined],
  ] as const
) {
  channelTest(`${what} means now or never`, async (channel) => {
    const { queue: dead } = await channel.declareQueue("", { exclusive: true });
    const { queue } = await channel.declareQueue("", {
      exclusive: true,
      args: args({
        ...(ttl !== undefined && { "x-message-ttl": ttl }),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
      }),
    });
    const letters = await channel.client.channel(2);
    await letters.consume(dead, { noAck: true });
    const properties = { expiration };
    await channel.qos(3);
    const tag = await channel.consume(queue);
    for (const body of ["a", "b", "c", "d", "e"]) {
      await channel.publish("", queue, body, { properties });
    }
    // Who waits gets as many as it may have; the others do not wait for it.
    for (const body of ["a", "b", "c"]) {
      equal((await channel.next("basic.deliver")).text, body);
    }
    for (const body of ["d", "e"]) {
      equal((await letters.next("basic.deliver")).text, body);
    }
    // Nor does what comes back, though it goes to where it could be taken.
    await channel.nack(3, { multiple: true, requeue: true });
    for (const body of ["a", "b", "c"]) {
      equal((await letters.next("basic.deliver")).text, body);
    }
    await channel.cancel(tag);
    await channel.publish("", queue, "f", { properties });
    equal((await letters.next("basic.deliver")).text, "f");
    equal(await channel.get(queue), undefined);
  });
}

/** The first entry of x-death. */
function death(properties: Uint8Array) {
  const headers = headersOf(properties);
  const [first] = asArray(lookup(headers, "x-death")) ?? [];
  const event = asTable(first) ?? [];
  const text = (key: string) => asString(lookup(event, key));
  return {
    count: asInteger(lookup(event, "count")),
    reason: text("reason"),
    queue: text("queue"),
    exchange: text("exchange"),
    keys: asArray(lookup(event, "routing-keys"))?.map(asString),
    original: text("original-expiration"),
  };
}

channelTest("a dead letter tells of the copies that were sent", async (
  channel,
  { ownsDeaths },
) => {
  const { queue: dead } = await channel.declareQueue("", { exclusive: true });
  const { queue } = await channel.declareQueue("", {
    exclusive: true,
    args: args({
      "x-message-ttl": 0,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": dead,
    }),
  });
  await channel.consume(dead, { noAck: true });
  const copies = (key: string) => arrayField([stringField(unique(key))]);
  const [cc, bcc] = [copies("cc"), copies("bcc")];
  await channel.publish("", queue, "x", {
    properties: { headers: [["CC", cc], ["BCC", bcc]], expiration: "5000" },
  });
  const { properties } = await channel.next("basic.deliver");
  const told = asArray(cc)?.map(asString) ?? [];
  deepEqual(death(properties).keys, [queue, ...told]);
  const headers = headersOf(properties);
  equal(lookup(headers, "CC") !== undefined, ownsDeaths);
  equal(lookup(headers, "BCC"), undefined);
  const [event] = asArray(lookup(headers, "x-death")) ?? [];
  const names = asTable(event)?.map(([name]) => name) ?? [];
  const at = names.indexOf("original-expiration");
  equal(at, ownsDeaths ? 0 : names.length - 1);
});

channelTest("a rejected message goes round with its count", async (
  channel,
  { ownsDeaths },
) => {
  const { queue: dead } = await channel.declareQueue("", { exclusive: true });
  const { queue } = await channel.declareQueue("", {
    exclusive: true,
    args: args({ "x-dead-letter-exchange": "amq.direct" }),
  });
  await channel.bind(dead, "amq.direct", queue);
  const letters = await channel.client.channel(2);
  await letters.consume(dead, { noAck: true });
  await channel.publish("", queue, "x", {
    properties: { headers: args({ mine: 1 }) },
  });
  // What a client publishes again starts anew, where deaths are the broker's.
  for (const count of ownsDeaths ? [1n, 1n] : [1n, 2n]) {
    const got = await channel.get(queue, false);
    await channel.reject(got?.deliveryTag ?? 0, false);
    const letter = await letters.next("basic.deliver");
    const { properties } = letter;
    deepEqual([letter.exchange, letter.routingKey], ["amq.direct", queue]);
    const { count: counted, reason } = death(properties) as {
      count: bigint;
      reason: string;
    };
    deepEqual([counted, reason], [count, "rejected"]);
    const headers = headersOf(properties);
    equal(asString(lookup(headers, "x-first-death-reason")), "rejected");
    equal(asString(lookup(headers, "x-first-death-queue")), queue);
    equal(
      asString(lookup(headers, "x-last-death-queue")),
      ownsDeaths ? queue : undefined,
    );
    equal(asInteger(lookup(headers, "mine")), 1n);
    await channel.publish("", queue, "x", { properties });
  }
});

channelTest(
  "a full queue drops its oldest messages, or dead-letters them",
  async (channel) => {
    const { queue: dead } = await channel.declareQueue("", { exclusive: true });
    const { queue } = await channel.declareQueue("", {
      exclusive: true,
      args: args({
        "x-max-length": 2,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
      }),
    });
    for (const body of ["a", "b", "c", "d"]) {
      await channel.publish(
        "",
        queue,
        body,
      );
    }
    deepEqual(await drain(channel, queue), ["c", "d"]);
    await channel.consume(dead, { noAck: true });
    const letter = await channel.next("basic.deliver");
    equal(letter.text, "a");
    const { reason } = death(letter.properties) as {
      reason: string;
    };
    equal(reason, "maxlen");
  },
);

channelTest("a queue is limited in bytes as well", async (channel) => {
  const { queue } = await channel.declareQueue("", {
    exclusive: true,
    args: args({ "x-max-length-bytes": 10 }),
  });
  for (const body of ["1234", "5678", "9012"]) {
    await channel.publish("", queue, body);
  }
  deepEqual(await drain(channel, queue), ["5678", "9012"]);
});

channelTest(
  "a full queue refuses publishes where asked to",
  async (channel) => {
    const { queue } = await channel.declareQueue("", {
      exclusive: true,
      args: args({ "x-max-length": 1, "x-overflow": "reject-publish" }),
    });
    await channel.confirmSelect();
    await channel.publish("", queue, "a");
    equal((await channel.next("basic.ack")).deliveryTag, 1);
    await channel.publish("", queue, "b");
    equal((await channel.next("basic.nack")).deliveryTag, 2);
    deepEqual(await drain(channel, queue), ["a"]);
  },
);

channelTest(
  "a full queue dead-letters what it refuses where asked to",
  async (channel) => {
    const { queue: dead } = await channel.declareQueue("", { exclusive: true });
    const { queue } = await channel.declareQueue("", {
      exclusive: true,
      args: args({
        "x-max-length-bytes": 3,
        "x-overflow": "reject-publish-dlx",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
      }),
    });
    await channel.confirmSelect();
    await channel.publish("", queue, "abc");
    equal((await channel.next("basic.ack")).deliveryTag, 1);
    await channel.publish("", queue, "d");
    equal((await channel.next("basic.nack")).deliveryTag, 2);
    deepEqual(await drain(channel, queue), ["abc"]);
    const letters = await channel.client.channel(2);
    await letters.consume(dead, { noAck: true });
    const letter = await letters.next("basic.deliver");
    equal(letter.text, "d");
    equal(death(letter.properties).reason, "maxlen");
  },
);

channelTest(
  "dead letters that would go in circles are dropped",
  async (channel) => {
    const names = [unique(), unique()];
    for (const [i, name] of names.entries()) {
      await channel.declareQueue(name, {
        exclusive: true,
        args: args({
          "x-message-ttl": 20,
          "x-dead-letter-exchange": "",
          "x-dead-letter-routing-key": names[1 - i],
        }),
      });
    }
    const { queue: witness } = await channel.declareQueue("", {
      exclusive: true,
    });
    await channel.bind(witness, "amq.fanout");
    await channel.publish("", names[0], "round");
    // It dies in one, then in the other, and is not let into the first again.
    const endAt = performance.now() + 5000;
    let left = 1;
    while (left > 0 && performance.now() < endAt) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      left = 0;
      for (const name of names) {
        left += (await channel.declareQueue(name, { passive: true })).messages;
      }
    }
    equal(left, 0);
  },
);

channelTest("messages of higher priority overtake", async (channel) => {
  const { queue } = await channel.declareQueue("", {
    exclusive: true,
    args: args({ "x-max-priority": 5 }),
  });
  for (
    const [body, priority] of [["a", 0], ["b", 3], ["c", 9], ["d", 3]] as const
  ) {
    await channel.publish("", queue, body, { properties: { priority } });
  }
  await channel.publish("", queue, "e");
  deepEqual(await drain(channel, queue), ["c", "b", "d", "a", "e"]);
});
