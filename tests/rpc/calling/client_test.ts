// Tests of src/rpc/calling/client.ts: one call and its outcomes.

import assert from "node:assert/strict";
import type { CallOptions } from "../../../src/rpc/calling/call_options.ts";
import { RpcClient } from "../../../src/rpc/calling/client.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import { decodeRequest, encodeError } from "../../../src/rpc/wire.ts";
import { answer, failure, read, sees, start } from "../../support/calling.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { FakeBroker, unreachable } from "../../support/fake_transport.ts";
import { turns, within } from "../../support/within.ts";

Deno.test("a request is what the wire format says, and the reply is its result", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const before = Date.now();
  const call = client.call("q", "ä", {
    timeoutMs: 5_000,
    type: "t",
    headers: { h: 1 },
    contentType: "text/plain",
    persistent: true,
  });
  const { text, properties } = await broker.take("q");
  assert.equal(text, "ä");
  const { correlationId, replyTo, expiration, headers, ...rest } = properties;
  assert.match(correlationId!, /^[\w-]{12,15}$/);
  assert.deepEqual(rest, {
    type: "t",
    contentType: "text/plain",
    deliveryMode: 2,
  });
  assert.ok(Number(expiration) > 0 && Number(expiration) <= 5_001);
  const deadlineMs = Number(headers!["rpc-deadline"]);
  assert.ok(deadlineMs >= before + 5_000 && deadlineMs <= Date.now() + 5_001);
  assert.equal(headers!.h, 1);
  assert.equal(client.stats.inFlight, 1);

  const answered = { correlationId, headers: { r: 2 }, contentType: "a/b" };
  broker.send(replyTo!, Uint8Array.of(1, 2), answered);
  const reply = await call;
  assert.deepEqual(reply.bytes, Uint8Array.of(1, 2));
  assert.deepEqual(reply.headers, { r: 2 });
  assert.equal(reply.contentType, "a/b");
  assert.deepEqual(client.stats, { inFlight: 0, unknownReplies: 0 });
});

Deno.test("an error reply is thrown as the server sent it", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const call = client.call("q", "");
  const { properties, body, redelivered } = await broker.take("q");
  const delivery = { properties, body, redelivered, deliveryTag: 1 };
  const request = decodeRequest(delivery, "q", Date.now());
  const thrown = new RpcError("not_found", "no user", { details: { id: 7 } });
  const reply = encodeError(request, thrown);
  broker.send(properties.replyTo!, reply.body, reply.properties);
  const error = await failure(call);
  sees(error, "not_found");
  assert.equal(error.message, "no user");
  assert.equal(error.remote, true);
  assert.deepEqual(error.details, { id: 7 });
});

Deno.test("no queue: the call fails at once", async () => {
  await using scene = start();
  const { client } = scene;
  const error = await failure(client.call("missing", ""));
  sees(error, "unavailable", "no_queue");
  assert.match(error.message, /no queue "missing" on vhost "\/"/);
  assert.equal(error.maybeExecuted, false);
  assert.equal(client.stats.inFlight, 0);
});

Deno.test("a request that the broker refuses was not run", async () => {
  await using scene = start();
  const { broker, client } = scene;
  broker.refuse("q");
  const error = await failure(client.call("q", ""));
  sees(error, "resource_exhausted", "rejected");
  assert.equal(error.maybeExecuted, false);
  assert.equal(client.stats.inFlight, 0);
});

Deno.test("bad arguments are refused before anything is sent", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const bad = (queue: string, options: CallOptions) =>
    assert.rejects(client.call(queue, "", options), RangeError);
  await bad("", {});
  await bad("q", { timeoutMs: 0 });
  await bad("q", { timeoutMs: NaN });
  assert.deepEqual(broker.log, ["declare q"]);
});

Deno.test("a bad time-out of inspect() is refused before a connection is wanted", async () => {
  await using scene = start();
  const { broker, client } = scene;
  // Nobody would hear of a connection that fails.
  broker.refusal = unreachable();
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    await assert.rejects(client.inspect("q", { timeoutMs }), RangeError);
  }
  assert.deepEqual(broker.log, ["declare q"]);
});

Deno.test("the first reply wins, others are counted", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const call = client.call("q", "");
  const { properties: { replyTo, correlationId } } = await broker.take("q");
  broker.send(replyTo!, "first", { correlationId });
  broker.send(replyTo!, "second", { correlationId });
  assert.equal((await call).text(), "first");
  await read(client, broker, replyTo!);
  assert.deepEqual(client.stats, { inFlight: 0, unknownReplies: 1 });
});

Deno.test("replies that nobody asked for are counted", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const call = client.call("q", "");
  const { properties } = await broker.take("q");
  const replyTo = properties.replyTo!;
  broker.send(replyTo, "", { correlationId: "made up" });
  broker.send(replyTo, "", {});
  broker.send(replyTo, "", { correlationId: "", type: "error" });
  broker.send(replyTo, "mine", { correlationId: properties.correlationId });
  assert.equal((await call).text(), "mine");
  assert.equal(client.stats.unknownReplies, 3);
});

Deno.test("a time-out with a server: it may have run; the late reply is counted", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const requests = await broker.serve("q");
  const call = failure(client.call("q", "", { timeoutMs: 30 }));
  const first = await requests[Symbol.asyncIterator]().next();
  const error = await call;
  sees(error, "deadline_exceeded");
  assert.equal(error.maybeExecuted, true);
  assert.match(error.message, /no reply from "q" within 30ms/);
  assert.equal(client.stats.inFlight, 0);

  const { replyTo, correlationId } = first.value.properties;
  await requests.cancel();
  broker.send(replyTo, "late", { correlationId });
  await read(client, broker, replyTo);
  assert.equal(client.stats.unknownReplies, 1);
});

Deno.test("a time-out without a server says so", async () => {
  await using scene = start();
  const { client } = scene;
  const error = await failure(client.call("q", "", { timeoutMs: 30 }));
  sees(error, "unavailable", "no_consumer");
  assert.deepEqual(error.details, { messages: 1 });
  assert.equal(client.stats.inFlight, 0);
});

Deno.test("a time-out of a request that a stopping server took: it may have run", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const requests = await broker.serve("q");
  const call = failure(client.call("q", "", { timeoutMs: 50 }));
  await requests[Symbol.asyncIterator]().next();
  await requests.cancel();
  assert.equal((await call).maybeExecuted, true);
});

Deno.test("time-outs at once ask the broker once", async () => {
  await using scene = start();
  const { broker, client } = scene;
  using time = new FakeTime(Date.now());
  const calls = Array.from(
    { length: 20 },
    () => failure(client.call("q", "", { timeoutMs: 30 })),
  );
  for (const _ of calls) await broker.take("q");
  time.advance(30);
  for (const error of await Promise.all(calls)) {
    sees(error, "unavailable", "no_consumer");
  }
  const asked = broker.log.filter((event) => event === "inspect q");
  assert.equal(asked.length, 1);
});

Deno.test("what is said of a queue is not older than the call", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await client.open();
  const release = broker.hold("inspect");
  const before = client.inspect("late");
  await broker.seen("inspect late");
  await turns();
  const call = failure(client.call("late", "", { requireConsumer: true }));
  const asked = () => broker.log.filter((event) => event === "inspect late");
  await turns();
  release();
  assert.equal(await before, undefined);
  sees(await call, "unavailable", "no_queue");
  assert.equal(asked().length, 2);
});

Deno.test("a broker that does not say why does not hold up a time-out", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await client.open();
  const release = broker.hold("inspect");
  const error = await failure(client.call("q", "", { timeoutMs: 30 }));
  sees(error, "deadline_exceeded");
  release();
});

Deno.test("the deadline covers connecting, and nothing is sent after it", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const release = broker.hold("connection");
  const error = await failure(client.call("q", "", { timeoutMs: 30 }));
  sees(error, "deadline_exceeded");
  assert.equal(error.maybeExecuted, false);
  assert.match(error.message, /was not sent/);
  release();
  await client.open();
  await failure(client.call("missing", ""));
  assert.equal(broker.log.includes("publish q"), false);
});

Deno.test("no broker: the call fails at once", async () => {
  await using scene = start();
  const { broker, client } = scene;
  broker.refusal = unreachable();
  const error = await failure(client.call("q", ""));
  sees(error, "unavailable", "broker_unreachable");
  assert.equal(client.stats.inFlight, 0);
});

Deno.test("a storm of calls leaves nothing behind", async () => {
  await using scene = start();
  const { broker, client } = scene;
  broker.declare("full");
  broker.refuse("full");
  broker.declare("silent");
  const total = 2_000;
  const controller = new AbortController();
  const kinds: ((n: number) => Promise<unknown>)[] = [
    (n) => client.call("q", `${n}`),
    () => client.call("missing", ""),
    () => client.call("full", ""),
    () => client.call("silent", "", { timeoutMs: 50 }),
    () => client.call("silent", "", { signal: controller.signal }),
    () => client.call("silent", "", { requireConsumer: true }),
    () => client.call("q", "", { signal: AbortSignal.abort() }),
  ];
  const calls = Array.from({ length: total }, async (_, n) => {
    try {
      return await kinds[n % kinds.length](n);
    } catch (error) {
      return (error as RpcError).reason ?? (error as RpcError).code;
    }
  });
  const answered = Math.ceil(total / kinds.length);
  for (let n = 0; n < answered; n++) await answer(broker, `${n}`);
  controller.abort();
  const outcomes = await within("all ends", Promise.all(calls), 10_000);
  const expected = [
    "no_queue",
    "rejected",
    "no_consumer",
    "canceled",
    "no_consumer",
    "canceled",
  ];
  outcomes.forEach((outcome, n) => {
    const kind = n % kinds.length;
    if (kind > 0) assert.equal(outcome, expected[kind - 1], `call ${n}`);
    else assert.ok(typeof outcome === "object", `call ${n}: ${outcome}`);
  });
  assert.deepEqual(client.stats, { inFlight: 0, unknownReplies: 0 });
});

Deno.test("replies reach their calls, in whatever order they come", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const calls = ["a", "b", "c"].map((body) => client.call("q", body));
  const requests = [];
  for (const _ of calls) requests.push(await broker.take("q"));
  for (const { text, properties } of requests.reverse()) {
    const { replyTo, correlationId } = properties;
    broker.send(replyTo!, `re: ${text}`, { correlationId });
  }
  const replies = await Promise.all(calls);
  const texts = replies.map((reply) => reply.text());
  assert.deepEqual(texts, ["re: a", "re: b", "re: c"]);
});

Deno.test("a reply may overtake its confirm", async () => {
  await using scene = start();
  const { broker, client, transport } = scene;
  broker.hold("confirm");
  const call = client.call("q", "");
  await answer(broker);
  assert.equal((await call).text(), "done");
  // The publish fails now, when its call is over.
  await transport.lose();
  assert.equal(client.stats.inFlight, 0);
});

Deno.test("a wall clock that is set moves no deadline", async () => {
  await using scene = start();
  const { broker, client } = scene;
  for (const byMs of [-6_000, 6_000]) {
    using time = new FakeTime(Date.now());
    const ended: RpcError[] = [];
    const call = failure(client.call("q", "", { timeoutMs: 1_000 }));
    call.then((error) => ended.push(error));
    await broker.take("q");
    time.setWallClock(byMs);
    time.advance(999);
    await turns();
    assert.deepEqual(ended, []);
    time.advance(1);
    sees(await call, "unavailable", "no_consumer");
  }
});

Deno.test("what travels is the wall clock as it is", async () => {
  await using scene = start();
  const { broker, client } = scene;
  using time = new FakeTime(1_000_000);
  time.setWallClock(-500_000);
  const call = client.call("q", "", { timeoutMs: 1_000 });
  const { properties } = await broker.take("q");
  assert.equal(properties.headers!["rpc-deadline"], 501_000);
  assert.equal(properties.expiration, "1000");
  const { replyTo, correlationId } = properties;
  broker.send(replyTo!, "", { correlationId });
  await call;
});

Deno.test("to look at a queue no callback queue is opened", async () => {
  const broker = new FakeBroker();
  broker.declare("q");
  broker.log.length = 0;
  await using client = new RpcClient(broker.connect());
  assert.equal((await client.inspect("q"))?.messages, 0);
  assert.deepEqual(broker.log, ["connected", "inspect q"]);
});
