// Tests of src/rpc/calling/client.ts: connections that come, go and end, and calls
// that wait for what is missing.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { RpcClient } from "../../../src/rpc/calling/client.ts";
import { answer, failure, start } from "../../support/calling.ts";
import { unreachable } from "../../support/fake_transport.ts";
import { turns, within } from "../../support/within.ts";

for (
  const order of ["deliveries end first", "publishes fail first"] as const
) {
  Deno.test(`a lost connection: what was sent may have run (${order})`, async () => {
    await using scene = start();
    const { broker, transport, client } = scene;
    broker.hold("confirm");
    const unconfirmed = failure(client.call("q", ""));
    await broker.take("q");
    await transport.lose(order);
    const error = await unconfirmed;
    assert.equal(error.code, "unavailable");
    assert.equal(error.reason, "connection_lost");
    assert.equal(error.maybeExecuted, true);
    assert.equal(client.stats.inFlight, 0);
  });
}

Deno.test("a lost connection tells calls whose request is confirmed", async () => {
  await using scene = start();
  const { broker, transport, client } = scene;
  const call = failure(client.call("q", ""));
  await broker.seen("confirm q");
  await transport.lose();
  assert.equal((await call).maybeExecuted, true);
});

Deno.test("a lost connection: what was not sent has not run", async () => {
  await using scene = start();
  const { broker, transport, client } = scene;
  await client.open();
  broker.hold("inspect");
  const call = failure(client.call("q", "", { requireConsumer: true }));
  await broker.seen("inspect q");
  await transport.lose();
  const error = await call;
  assert.equal(error.reason, "connection_lost");
  assert.equal(error.maybeExecuted, false);
});

Deno.test("after a lost connection calls go over a new one", async () => {
  await using scene = start();
  const { broker, transport, client } = scene;
  const first = client.call("q", "");
  await answer(broker);
  await first;
  await transport.lose();
  const second = client.call("q", "");
  await answer(broker);
  assert.equal((await second).text(), "done");
  const queues = broker.log.filter((event) => /declare amq/.test(event));
  assert.equal(new Set(queues).size, 2);
});

Deno.test("a callback queue that is deleted is noticed and replaced", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const first = failure(client.call("q", ""));
  const { properties: { replyTo } } = await broker.take("q");
  broker.delete(replyTo!);
  const error = await first;
  assert.equal(error.reason, "connection_lost");
  assert.equal(error.maybeExecuted, true);

  const second = client.call("q", "");
  const request = await broker.take("q");
  assert.notEqual(request.properties.replyTo, replyTo);
  const { correlationId } = request.properties;
  broker.send(request.properties.replyTo!, "done", { correlationId });
  assert.equal((await second).text(), "done");
});

Deno.test("the channels of a callback queue that was lost are closed", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const first = failure(client.call("q", ""));
  const { properties: { replyTo } } = await broker.take("q");
  broker.delete(replyTo!);
  await first;
  await client.open();
  await turns();
  // The connection still stands: its channels go only where somebody closes them.
  const deleted = broker.log.filter((event) => event === `delete ${replyTo}`);
  assert.equal(deleted.length, 2, "once by the broker, once by us");
});

Deno.test("many first calls share one callback queue", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const calls = Array.from({ length: 50 }, () => client.call("q", ""));
  for (const _ of calls) await answer(broker);
  await Promise.all(calls);
  const queues = broker.log.filter((event) => /declare amq/.test(event));
  assert.equal(queues.length, 1);
});

Deno.test("wait: the call is made again once the queue appears", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const attempts: number[] = [];
  const call = client.call("late", "x", {
    wait: true,
    timeoutMs: 10_000,
    onAttempt: (attempt) => attempts.push(attempt),
  });
  await broker.seen("return late");
  broker.declare("late");
  const { text, properties } = await broker.take("late");
  assert.equal(text, "x");
  const { replyTo, correlationId } = properties;
  broker.send(replyTo!, "done", { correlationId });
  assert.equal((await call).text(), "done");
  assert.deepEqual(attempts, [1, 2]);
});

Deno.test("wait: the call is made once the broker appears", async () => {
  await using scene = start();
  const { broker, client } = scene;
  broker.refusal = unreachable();
  const attempts: number[] = [];
  const call = client.call("q", "", {
    wait: true,
    onAttempt: (attempt) => {
      attempts.push(attempt);
      if (attempt === 2) broker.refusal = undefined;
    },
  });
  await answer(broker);
  assert.equal((await call).text(), "done");
  assert.deepEqual(attempts, [1, 2]);
});

Deno.test("wait: what is missing until the end is what the call fails with", async () => {
  await using scene = start();
  const { client } = scene;
  const call = client.call("missing", "", { wait: true, timeoutMs: 50 });
  assert.equal((await failure(call)).reason, "no_queue");
});

Deno.test("wait: the call waits for all of its time", async () => {
  await using scene = start();
  const { client } = scene;
  const timeoutMs = 250;
  const before = performance.now();
  const call = client.call("missing", "", { wait: true, timeoutMs });
  await failure(call);
  // By less than a timer's inaccuracy, not by a backoff.
  assert.ok(performance.now() - before > timeoutMs - 20);
});

Deno.test("wait: an abort ends the wait", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const controller = new AbortController();
  const { signal } = controller;
  const call = client.call("missing", "", { wait: true, signal });
  await broker.seen("return missing");
  // In a later turn the call has failed once and waits for its next attempt.
  setImmediate(() => controller.abort());
  const error = await failure(call);
  assert.equal(error.code, "canceled");
  assert.equal(error.maybeExecuted, false);
});

Deno.test("wait: what may have run is not sent again", async () => {
  await using scene = start();
  const { broker, transport, client } = scene;
  const call = failure(client.call("q", "", { wait: true }));
  await broker.seen("confirm q");
  await transport.lose();
  assert.equal((await call).reason, "connection_lost");
  const sent = broker.log.filter((event) => event === "publish q");
  assert.equal(sent.length, 1);
});

Deno.test("requireConsumer: without a server the call fails unsent", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const required = { requireConsumer: true };
  const noServer = await failure(client.call("q", "", required));
  assert.equal(noServer.reason, "no_consumer");
  const noQueue = await failure(client.call("missing", "", required));
  assert.equal(noQueue.reason, "no_queue");
  assert.equal(broker.log.some((event) => /^publish/.test(event)), false);
});

Deno.test("requireConsumer: with a server the call is made", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const requests = await broker.serve("q");
  const call = client.call("q", "", { requireConsumer: true });
  const { value } = await requests[Symbol.asyncIterator]().next();
  const { replyTo, correlationId } = value.properties;
  broker.send(replyTo, "done", { correlationId });
  assert.equal((await call).text(), "done");
});

Deno.test("inspect() tells what the broker knows of a queue", async () => {
  await using scene = start();
  const { broker, client } = scene;
  broker.send("q", "");
  const info = { queue: "q", messages: 1, consumers: 0 };
  assert.deepEqual(await client.inspect("q"), info);
  assert.equal(await client.inspect("missing"), undefined);
});

Deno.test("close() fails what waits and deletes the callback queue", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const call = failure(client.call("q", ""));
  const { properties: { replyTo } } = await broker.take("q");
  await client.close();
  const error = await call;
  assert.deepEqual([error.code, error.reason], ["canceled", "closed"]);
  assert.equal(error.maybeExecuted, true);
  assert.equal(broker.inspect(replyTo!), undefined);
  assert.equal(client.stats.inFlight, 0);

  const later = await failure(client.call("q", ""));
  assert.deepEqual([later.code, later.reason], ["canceled", "closed"]);
  await client.close();
});

Deno.test("close() fails a call that waits for the connection", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const release = broker.hold("connection");
  const call = failure(client.call("q", ""));
  await client.close();
  const error = await call;
  assert.equal(error.reason, "closed");
  assert.equal(error.maybeExecuted, false);
  release();
});

Deno.test("close() while the callback queue is being opened leaves none", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const release = broker.hold("open");
  const opening = Promise.allSettled([client.open()]);
  // The connection is there in a few microtasks; then opening is held up.
  await turns();
  const closing = client.close();
  release();
  await within("both", Promise.all([opening, closing]));
  await turns();
  const declared = broker.log.filter((event) => /^declare amq/.test(event));
  const deleted = broker.log.filter((event) => /^delete amq/.test(event));
  assert.equal(deleted.length, declared.length, broker.log.join(", "));
});

Deno.test("a client ends with its scope", async () => {
  await using scene = start();
  const { broker, transport } = scene;
  let replyTo: string;
  {
    await using client = new RpcClient(transport);
    await client.open();
    replyTo = broker.log.find((it) => /amq/.test(it))!.split(" ")[1];
    assert.ok(broker.inspect(replyTo));
  }
  assert.equal(broker.inspect(replyTo), undefined);
});
