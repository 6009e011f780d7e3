// The alarm when messages take too much memory.

import { equal } from "node:assert/strict";
import { startBroker } from "../../../src/broker/broker.ts";
import { test } from "../../support/needs.ts";
import { Client } from "../support/client.ts";
import { args } from "../support/properties.ts";

const MB = 1024 * 1024;

test("publishers are blocked while messages take too much memory", async () => {
  await using broker = await startBroker({ memoryHighWatermark: MB });
  await using publisher = await Client.connect(broker.url, {
    capabilities: ["connection.blocked"],
  });
  const channel = await publisher.channel();
  await channel.declareQueue("flood");
  const count = 40;
  const body = new Uint8Array(100_000);
  for (let i = 0; i < count; i++) channel.writePublish("", "flood", body);
  const sent = publisher.flush();
  const { reason } = await publisher.next("connection.blocked");
  equal(reason, "low on memory");
  const { ready } = broker.queue("flood") ?? {};
  equal(ready, 11, "the publish that went beyond the limit was the last");
  await using other = await Client.connect(broker.url);
  const consumer = await other.channel();
  await consumer.consume("flood");
  for (let tag = 1; tag <= count; tag++) {
    const { deliveryTag } = await consumer.next("basic.deliver");
    equal(deliveryTag, tag);
    // What is delivered counts until it is settled.
    if (tag === ready) equal(broker.connections[0].blocked, true);
    await consumer.ack(deliveryTag);
  }
  await sent;
  await broker.waitFor(() => broker.queue("flood")?.unacknowledged === 0);
  equal(broker.connections[0].blocked, false);
});

test("memory is given back by all that ends messages", async () => {
  await using broker = await startBroker({ memoryHighWatermark: MB });
  await using client = await Client.connect(broker.url, {
    capabilities: ["connection.blocked"],
  });
  await using other = await Client.connect(broker.url);
  const helper = await other.channel();
  const channel = await client.channel();
  const body = new Uint8Array(2 * MB);
  const ends: Record<string, (queue: string) => Promise<unknown>> = {
    purge: (queue) => helper.purge(queue),
    delete: (queue) => helper.deleteQueue(queue),
    get: (queue) => helper.get(queue),
    expiry: () => Promise.resolve(),
    reject: async (queue) => {
      const { deliveryTag = 0 } = await helper.get(queue, false) ?? {};
      await helper.reject(deliveryTag, false);
    },
    "delete what is not settled": async (queue) => {
      const { deliveryTag = 0 } = await helper.get(queue, false) ?? {};
      await helper.deleteQueue(queue);
      await helper.ack(deliveryTag);
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    await helper.declareQueue(name, {
      args: name === "expiry" ? args({ "x-message-ttl": 20 }) : [],
    });
    await channel.publish("", name, body);
    await client.next("connection.blocked");
    await end(name);
    await client.next("connection.unblocked");
  }
});
