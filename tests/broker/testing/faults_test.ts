// What an embedded broker does wrong when it is asked to.

import { deepEqual, equal, match, throws } from "node:assert/strict";
import { type Broker, startBroker } from "../../../src/broker/broker.ts";
import { test } from "../../support/needs.ts";
import type { TestChannel } from "../support/channel.ts";
import { Client } from "../support/client.ts";
import type { ServerArguments } from "../support/methods.ts";

const MULTIPLE = 1;

/** A broker, one client with a channel, and a queue "jobs". */
async function setUp() {
  const stack = new AsyncDisposableStack();
  const broker = stack.use(await startBroker());
  const client = stack.use(
    await Client.connect(broker.url, { capabilities: ["connection.blocked"] }),
  );
  const channel = await client.channel();
  await channel.declareQueue("jobs");
  const [connection] = broker.connections;
  return {
    broker,
    client,
    channel,
    connection,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Once a method sent after them is answered, what came before is there. */
async function sync(channel: TestChannel): Promise<void> {
  await channel.declareQueue("jobs", { passive: true });
}

function ready(broker: Broker): number | undefined {
  return broker.queue("jobs")?.ready;
}

test("a dropped connection ends without a word", async () => {
  await using it = await setUp();
  it.connection.drop();
  deepEqual(it.broker.connections, []);
  await it.client.ended();
});

test("a stalled connection is neither read nor written, and then goes on", async () => {
  await using it = await setUp();
  await using other = await Client.connect(it.broker.url);
  const publisher = await other.channel();
  await it.channel.consume("jobs", { noAck: true });
  {
    using _stalled = it.connection.stall();
    await it.channel.publish("", "jobs", "from the stalled one");
    await publisher.publish("", "jobs", "from another");
    await sync(publisher);
    // Delivered as far as the broker knows, but not sent.
    equal(ready(it.broker), 0);
    equal(it.client.peek("basic.deliver"), undefined);
  }
  const bodies = [
    (await it.channel.next("basic.deliver")).text,
    (await it.channel.next("basic.deliver")).text,
  ];
  deepEqual(bodies, ["from another", "from the stalled one"]);
});

test("a broker closes though a connection is stalled", async () => {
  await using it = await setUp();
  it.connection.stall();
  await it.broker.close();
  await it.client.ended();
});

test("who publishes is blocked until the fault ends; who consumes is not", async () => {
  await using it = await setUp();
  await using other = await Client.connect(it.broker.url);
  const consumer = await other.channel();
  {
    using _blocked = it.broker.block("no room");
    await sync(it.channel);
    equal(it.connection.blocked, false);
    await it.channel.publish("", "jobs", "first");
    equal((await it.client.next("connection.blocked")).reason, "no room");
    equal(it.connection.blocked, true);
    await it.channel.publish("", "jobs", "second");
    equal((await consumer.get("jobs"))?.text, "first");
    equal(ready(it.broker), 0);
  }
  await it.client.next("connection.unblocked");
  await it.broker.waitFor(() => ready(it.broker) === 1);
  equal((await consumer.get("jobs"))?.text, "second");
});

test("one connection can be blocked alone", async () => {
  await using it = await setUp();
  await using other = await Client.connect(it.broker.url);
  const publisher = await other.channel();
  const blocked = it.connection.block("you");
  await it.channel.publish("", "jobs", "a");
  equal((await it.client.next("connection.blocked")).reason, "you");
  await publisher.publish("", "jobs", "b");
  await publisher.publish("", "jobs", "c");
  await sync(publisher);
  equal(ready(it.broker), 3);
  throws(() => it.connection.block("ö".repeat(128)), /255 octets, got 256/);
  blocked.end();
  blocked.end();
  await it.client.next("connection.unblocked");
});

test("faults that overlap end with the last of them", async () => {
  await using it = await setUp();
  const first = it.broker.block("first");
  const second = it.connection.block("second");
  await it.channel.publish("", "jobs", "a");
  await it.client.next("connection.blocked");
  first.end();
  await it.channel.publish("", "jobs", "b");
  equal(it.connection.blocked, true);
  second.end();
  await it.client.next("connection.unblocked");
  await it.broker.waitFor(() => ready(it.broker) === 2);
});

test("a client that is blocked can be dropped", async () => {
  await using it = await setUp();
  using _blocked = it.broker.block();
  await it.channel.publish("", "jobs", "a");
  await it.client.next("connection.blocked");
  it.connection.drop();
  await it.client.ended();
});

test("logins are refused until the fault ends", async () => {
  await using it = await setUp();
  const login = async () => {
    await using client = await Client.dial(it.broker.url);
    await client.start({ capabilities: ["authentication_failure_close"] });
    const event = await client.event(
      ({ name }) => name === "connection.close" || name === "connection.tune",
      "connection.close or connection.tune",
    );
    return JSON.stringify(event.args);
  };
  {
    using _others = it.broker.refuseLogins((user) => user !== "guest");
    match(await login(), /channelMax/);
    using _refused = it.broker.refuseLogins();
    match(await login(), /"code":403,"replyText":"ACCESS_REFUSED/);
  }
  match(await login(), /channelMax/);
});

test("confirms are held until the fault ends", async () => {
  await using it = await setUp();
  await it.channel.confirmSelect();
  {
    using _held = it.broker.holdConfirms();
    for (let i = 0; i < 3; i++) await it.channel.publish("", "jobs", "x");
    await sync(it.channel);
    equal(ready(it.broker), 3);
    equal(it.client.peek("basic.ack"), undefined);
  }
  const { deliveryTag, flags } = await it.channel.next("basic.ack");
  deepEqual([deliveryTag, flags], [3, MULTIPLE]);
});

test("publishes are refused with a nack, and dropped", async () => {
  await using it = await setUp();
  await it.channel.confirmSelect();
  await it.channel.declareQueue("others");
  using _nacks = it.broker.nackPublishes(
    ({ exchange, routingKey }) => exchange === "" && routingKey === "jobs",
  );
  for (const queue of ["others", "others", "jobs", "others"]) {
    it.channel.writePublish("", queue, "x");
  }
  await it.client.flush();
  const settled = new Map<number, string>();
  while (settled.size < 4) {
    const { name, args } = await it.client.event(
      (event) => event.name === "basic.ack" || event.name === "basic.nack",
      "basic.ack or basic.nack",
    );
    const { deliveryTag, flags } = args as ServerArguments<"basic.ack">;
    const first = flags & MULTIPLE ? settled.size + 1 : deliveryTag;
    for (let tag = first; tag <= deliveryTag; tag++) settled.set(tag, name);
  }
  deepEqual([...settled], [
    [1, "basic.ack"],
    [2, "basic.ack"],
    [3, "basic.nack"],
    [4, "basic.ack"],
  ]);
  deepEqual([ready(it.broker), it.broker.queue("others")?.ready], [0, 3]);
});

test("what is under way is delivered again, and the first delivery means nothing more", async () => {
  await using it = await setUp();
  await it.channel.consume("jobs");
  await it.channel.publish("", "jobs", "once");
  const first = await it.channel.next("basic.deliver");
  equal(it.broker.redeliver("jobs"), 1);
  const again = await it.channel.next("basic.deliver");
  deepEqual([again.text, again.redelivered], ["once", true]);
  await it.channel.nack(first.deliveryTag, { requeue: true });
  await sync(it.channel);
  deepEqual(it.broker.queue("jobs"), {
    name: "jobs",
    ready: 0,
    unacknowledged: 1,
    consumers: 1,
  });
  await it.channel.ack(again.deliveryTag);
  await it.broker.waitFor(() => it.broker.queue("jobs")?.unacknowledged === 0);
  equal(it.broker.redeliver("jobs"), 0);
  throws(() => it.broker.redeliver("nowhere"), {
    name: "RangeError",
    message: 'no queue "nowhere" in vhost "/"',
  });
});
