// What a test can see of an embedded broker, and wait for.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { startBroker } from "../../../src/broker/broker.ts";
import { encodeText } from "../../../src/amqp091/reader.ts";
import { test } from "../../support/needs.ts";
import { Client } from "../support/client.ts";
import { args } from "../support/properties.ts";

test("a queue shows what waits, what is under way and who consumes", async () => {
  await using broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  equal(broker.queue("jobs"), undefined);
  await channel.declareQueue("jobs");
  for (const body of ["a", "b", "c"]) await channel.publish("", "jobs", body);
  await broker.waitFor(() => broker.queue("jobs")?.ready === 3);
  await channel.qos(2);
  await channel.consume("jobs");
  const { deliveryTag } = await channel.next("basic.deliver");
  deepEqual(broker.queue("jobs"), {
    name: "jobs",
    ready: 1,
    unacknowledged: 2,
    consumers: 1,
  });
  await channel.ack(deliveryTag);
  await broker.waitFor(() => broker.queue("jobs")?.ready === 0);
  equal(broker.queue("jobs")?.unacknowledged, 2);
  await channel.nack(deliveryTag + 2, { multiple: true, requeue: false });
  await broker.waitFor(() => broker.queue("jobs")?.unacknowledged === 0);
  const other = await client.channel(2);
  await other.deleteQueue("jobs");
  equal(broker.queue("jobs"), undefined);
});

test("what a transaction settles is unacknowledged until the commit", async () => {
  await using broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.declareQueue("jobs");
  await channel.publish("", "jobs", "a");
  await channel.send(90, 10);
  await channel.next("tx.select-ok");
  await channel.consume("jobs");
  const { deliveryTag } = await channel.next("basic.deliver");
  await channel.ack(deliveryTag);
  await channel.declareQueue("jobs", { passive: true });
  equal(broker.queue("jobs")?.unacknowledged, 1);
  await channel.send(90, 20);
  await channel.next("tx.commit-ok");
  equal(broker.queue("jobs")?.unacknowledged, 0);
});

test("a condition is looked at after each frame, not only after the last", async () => {
  await using broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.declareQueue("jobs");
  const seen = broker.waitFor(() => broker.queue("jobs")?.ready === 1);
  for (let i = 0; i < 5; i++) channel.writePublish("", "jobs", "x");
  await client.flush();
  await seen;
  await broker.waitFor(() => broker.queue("jobs")?.ready === 5);
});

test("messages and queues that expire are seen without a client's doing", async () => {
  await using broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.declareQueue("short", { args: args({ "x-message-ttl": 50 }) });
  await channel.declareQueue("unused", { args: args({ "x-expires": 50 }) });
  const there = broker.waitFor(() => broker.queue("short")?.ready === 1);
  await channel.publish("", "short", "x");
  await there;
  await broker.waitFor(() => broker.queue("short")?.ready === 0);
  await broker.waitFor(() => broker.queue("unused") === undefined);
});

test("connections show who is there, and are seen to come and go", async () => {
  await using broker = await startBroker({
    users: new Map([["zoë", "secret"]]),
    vhosts: ["/", "höhle"],
  });
  equal(broker.connections.length, 0);
  {
    await using client = await Client.connect(broker.url, {
      user: "zoë",
      password: "secret",
      vhost: encodeText("höhle"),
    });
    await client.channel();
    const [connection] = broker.connections;
    deepEqual(
      [connection.user, connection.vhost, connection.channels, connection.name],
      ["zoë", "höhle", 1, ""],
    );
    const channel = await client.channel(2);
    await channel.declareQueue("there");
    ok(broker.queue("there", "höhle"));
    equal(broker.queue("there"), undefined);
  }
  await broker.waitFor(() => broker.connections.length === 0);
});

test("waiting gives what was found, and ends in time, when told, or when the broker does", async () => {
  await using broker = await startBroker();
  const never = () => broker.queue("missing");
  await rejects(broker.waitFor(never, { timeoutMs: 20 }), (error: Error) => {
    equal(error.name, "TimeoutError");
    match(
      error.message,
      /^condition not met within 20 ms: .*broker\.queue\("missing"\)$/,
    );
    return true;
  });
  const abort = new AbortController();
  const waiting = broker.waitFor(never, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await rejects(waiting, /enough/);
  await rejects(broker.waitFor(never, { signal: abort.signal }), /enough/);
  await rejects(
    broker.waitFor(() => {
      throw new Error("a mistake in the test");
    }),
    /a mistake in the test/,
  );
  equal(await broker.waitFor(() => broker.port), broker.port);
  await rejects(broker.waitFor(never, { timeoutMs: -1 }), /timeoutMs .* -1/);
  const closing = rejects(broker.waitFor(never), /the broker was closed/);
  await broker.close();
  await closing;
});
