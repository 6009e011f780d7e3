// How queues, exchanges and bindings are used and how long they last. The same
// assertions for both brokers.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { TestChannel } from "./support/channel.ts";
import { Client } from "./support/client.ts";
import { args } from "./support/properties.ts";
import { channelTest, contractTest, unique } from "./support/contract.ts";

/** The queue as RabbitMQ names it in reply texts. */
const q = (name: string) => `queue '${name}' in vhost '/'`;
const x = (name: string) => `exchange '${name}' in vhost '/'`;

/** Runs `send` on a channel of its own and returns how it was refused. */
async function refused(
  client: Client,
  send: (channel: TestChannel) => Promise<unknown>,
): Promise<string> {
  const channel = await client.channel(99);
  await send(channel);
  return await channel.refused();
}

channelTest(
  "an empty queue name is the queue declared last",
  async (channel) => {
    equal(
      await refused(channel.client, (c) => c.sendConsume("")),
      "NOT_FOUND - no previously declared queue",
    );
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.bind("", "amq.direct", "");
    await channel.publish("amq.direct", queue, "found");
    equal((await channel.get(""))?.text, "found");
  },
);

channelTest(
  "deleting and unbinding what is not there is no error",
  async (channel) => {
    equal(await channel.deleteQueue(unique()), 0);
    await channel.sendDeleteExchange(unique());
    await channel.next("exchange.delete-ok");
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await unbindQueue(channel, queue, "amq.direct");
    await unbindQueue(channel, queue, unique());
    await unbindQueue(channel, unique(), "amq.direct");
    await unbindExchange(channel, unique(), "amq.direct");
    await unbindExchange(channel, "amq.fanout", unique());
  },
);

async function unbindQueue(
  channel: TestChannel,
  queue: string,
  exchange: string,
): Promise<void> {
  await channel.send(
    50,
    50,
    (o) =>
      o.short(0).shortstr(queue).shortstr(exchange).shortstr("none").table([]),
  );
  await channel.next("queue.unbind-ok");
}

async function unbindExchange(
  channel: TestChannel,
  destination: string,
  source: string,
): Promise<void> {
  await channel.send(
    40,
    40,
    (o) =>
      o.short(0).shortstr(destination).shortstr(source).shortstr("none")
        .octet(0).table([]),
  );
  await channel.next("exchange.unbind-ok");
}

channelTest("if-unused and if-empty protect a queue", async (channel) => {
  const { client } = channel;
  const name = unique();
  await channel.declareQueue(name);
  await channel.confirmSelect();
  await channel.publish("", name, "x");
  // Another channel would be ahead of what this one has published.
  await channel.next("basic.ack");
  equal(
    await refused(client, (c) => c.sendDeleteQueue(name, false, true)),
    `PRECONDITION_FAILED - ${q(name)} not empty`,
  );
  await channel.consume(name);
  equal(
    await refused(client, (c) => c.sendDeleteQueue(name, true)),
    `PRECONDITION_FAILED - ${q(name)} in use`,
  );
  await channel.next("basic.deliver");
  await channel.deleteQueue(name);
});

channelTest("if-unused protects an exchange", async (channel) => {
  const name = unique();
  await channel.declareExchange(name, "fanout");
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.bind(queue, name);
  equal(
    await refused(channel.client, (c) => c.sendDeleteExchange(name, true)),
    `PRECONDITION_FAILED - ${x(name)} in use`,
  );
  await channel.deleteQueue(queue);
  await channel.sendDeleteExchange(name, true);
  await channel.next("exchange.delete-ok");
});

channelTest("declare, purge and delete count the messages", async (channel) => {
  const name = unique();
  await channel.declareQueue(name);
  for (const body of ["a", "b", "c"]) await channel.publish("", name, body);
  await channel.get(name, false);
  deepEqual((await channel.declareQueue(name)).messages, 2);
  equal(await channel.purge(name), 2);
  await channel.publish("", name, "d");
  await channel.confirmSelect();
  equal((await channel.declareQueue(name, { passive: true })).messages, 1);
  equal(await channel.deleteQueue(name), 1);
});

channelTest(
  "an auto-delete queue goes with its last consumer",
  async (channel) => {
    const name = unique();
    await channel.declareQueue(name, { autoDelete: true });
    const tag = await channel.consume(name);
    match(tag, /^amq\.ctag-[A-Za-z0-9_-]{22}$/);
    equal((await channel.declareQueue(name, { passive: true })).consumers, 1);
    await channel.cancel(tag);
    await channel.sendDeclareQueue(name, { passive: true });
    equal(await channel.refused(), `NOT_FOUND - no ${q(name)}`);
  },
);

channelTest(
  "an auto-delete exchange goes with its last binding",
  async (channel) => {
    const name = unique();
    await channel.declareExchange(name, "direct", { autoDelete: true });
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.bind(queue, name, "k");
    await channel.deleteQueue(queue);
    await channel.sendDeclareExchange(name, "", { passive: true });
    equal(await channel.refused(), `NOT_FOUND - no ${x(name)}`);
  },
);

contractTest(
  "consumers hear that their queue is deleted, if they want to",
  async (url) => {
    await using told = await Client.connect(url, {
      capabilities: ["consumer_cancel_notify"],
    });
    await using untold = await Client.connect(url);
    const [a, b] = [await told.channel(), await untold.channel()];
    const name = unique();
    await a.declareQueue(name);
    await a.consume(name, { tag: "a" });
    await b.consume(name, { tag: "b" });
    await (await told.channel(2)).deleteQueue(name);
    equal((await a.next("basic.cancel")).consumerTag, "a");
    // Nothing comes before the answer to something else.
    await b.declareQueue("", { exclusive: true });
  },
);

contractTest("a queue with x-expires goes when it is not used", async (url) => {
  await using client = await Client.connect(url);
  const channel = await client.channel();
  const name = unique();
  await channel.declareQueue(name, { args: args({ "x-expires": 200 }) });
  const endAt = performance.now() + 5000;
  for (let number = 2; performance.now() < endAt; number++) {
    // Looking at it counts as use, so it must not be done too often.
    await new Promise((resolve) => setTimeout(resolve, 400));
    const probe = await client.channel(number);
    await probe.sendDeclareQueue(name, { passive: true });
    const answer = await client.event((e) => e.channel === number, "answer");
    if (answer.name === "channel.close") return;
  }
  ok(false, "the queue is still there");
});

channelTest("exchanges can be bound to exchanges", async (channel) => {
  const [outer, inner] = [unique(), unique()];
  await channel.declareExchange(outer, "topic", { autoDelete: true });
  await channel.declareExchange(inner, "fanout", { autoDelete: true });
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.bind(queue, inner);
  const binding = (o: Client["out"]) =>
    o.short(0).shortstr(inner).shortstr(outer).shortstr("a.*").octet(0).table(
      [],
    );
  await channel.send(40, 30, binding);
  await channel.next("exchange.bind-ok");
  await channel.publish(outer, "a.b", "through");
  equal((await channel.get(queue))?.text, "through");
  await channel.send(40, 40, binding);
  await channel.next("exchange.unbind-ok");
  await channel.sendDeclareExchange(outer, "", { passive: true });
  equal(await channel.refused(), `NOT_FOUND - no ${x(outer)}`);
});

channelTest(
  "an alternate exchange takes what can't be routed",
  async (channel) => {
    const [main, other] = [unique(), unique()];
    await channel.declareExchange(other, "fanout", { autoDelete: true });
    await channel.declareExchange(main, "direct", {
      args: args({ "alternate-exchange": other }),
    });
    const { queue } = await channel.declareQueue("", { exclusive: true });
    await channel.bind(queue, other);
    await channel.publish(main, "nowhere", "rescued", { mandatory: true });
    const got = await channel.get(queue);
    deepEqual([got?.text, got?.exchange, got?.routingKey], [
      "rescued",
      main,
      "nowhere",
    ]);
    await channel.sendDeleteExchange(main);
    await channel.next("exchange.delete-ok");
  },
);
