// Calls whose connection is cut while they wait.

import assert from "node:assert/strict";
import { startProxy } from "../support/proxy.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { plainServer } from "./plain_server.ts";
import { eventOf, failureOf, uniqueQueue, watched } from "./watching.ts";

/** What a busy machine may add: less than connecting may take by default. */
const SLACK_MS = 4_000;

/** A caller behind a proxy, and a server that is connected directly. */
async function scene(name: string) {
  const stack = new AsyncDisposableStack();
  const { url, port } = await sharedRabbitMq();
  const queue = uniqueQueue(name);
  const server = stack.use(await plainServer(url, queue));
  const proxy = stack.use(await startProxy(port));
  const caller = stack.use(await watched(proxy.url(url)));
  return {
    url,
    port,
    queue,
    server,
    proxy,
    ...caller,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

rabbitMqTest(
  "a call is sent again over the next connection, under the same message id",
  async () => {
    await using setting = await scene("retry");
    const { rpc, queue, server, proxy } = setting;
    const attempts: number[] = [];
    const call = rpc.call(queue, "30", {
      retries: 1,
      onAttempt: (attempt) => attempts.push(attempt),
    });
    const first = (await server.request(1)).properties;
    proxy.cut();
    const again = await server.request(2);
    const second = again.properties;
    assert.equal(second.messageId, first.messageId);
    assert.ok(first.messageId);
    assert.notEqual(second.correlationId, first.correlationId);
    assert.notEqual(second.replyTo, first.replyTo);
    // The same deadline, on the wall clock as it is at each attempt: in whole ms.
    const deadlines = [first, second].map(({ headers }) =>
      headers?.["rpc-deadline"] as number
    );
    assert.ok(Math.abs(deadlines[1]! - deadlines[0]!) <= 1, `${deadlines}`);
    assert.equal(again.content.toString(), "30");
    server.reply(again, "832040");
    assert.equal((await call).text(), "832040");
    assert.deepEqual(attempts, [1, 2]);
    assert.equal(rpc.stats.inFlight, 0);
  },
);

rabbitMqTest(
  "without retries a call fails at once, and may have run",
  async () => {
    await using setting = await scene("no-retry");
    const { rpc, queue, server, proxy, events } = setting;
    const calls = ["1", "2"].map((body) => rpc.call(queue, body));
    await server.request(2);
    proxy.cut();
    for (const call of calls) {
      const error = await failureOf(call);
      assert.equal(error.code, "unavailable");
      assert.equal(error.reason, "connection_lost");
      assert.equal(error.maybeExecuted, true);
    }
    assert.equal(rpc.stats.inFlight, 0);
    await eventOf(events, "lost");
    assert.equal(server.requests.all.length, 2);
    // The next call makes a connection of its own.
    const next = rpc.call(queue, "3");
    server.reply(await server.request(3), "2");
    assert.equal((await next).text(), "2");
  },
);

rabbitMqTest("one deadline covers a broker that stays away", async () => {
  await using setting = await scene("deadline");
  const { rpc, queue, server, proxy } = setting;
  const timeoutMs = 2_000;
  const startMs = performance.now();
  const call = rpc.call(queue, "30", { timeoutMs, retries: 1_000 });
  await server.request();
  await proxy.refuse(true);
  proxy.cut();
  const error = await failureOf(call);
  assert.ok(performance.now() - startMs < timeoutMs + SLACK_MS);
  assert.equal(error.code, "unavailable");
  assert.equal(error.reason, "broker_unreachable");
  assert.equal(error.maybeExecuted, true);
  assert.equal(rpc.stats.inFlight, 0);
});

rabbitMqTest(
  "one deadline covers a connection that stalls under a new connection",
  async () => {
    await using setting = await scene("stalled");
    const { rpc, queue, server, proxy } = setting;
    const timeoutMs = 2_000;
    const startMs = performance.now();
    const call = rpc.call(queue, "30", { timeoutMs, retries: 1_000 });
    await server.request();
    // What connects now is accepted, and hears nothing.
    proxy.stall("both");
    proxy.cut();
    const error = await failureOf(call);
    assert.ok(performance.now() - startMs < timeoutMs + SLACK_MS);
    assert.equal(error.code, "deadline_exceeded");
    assert.equal(error.maybeExecuted, true);
    assert.equal(rpc.stats.inFlight, 0);
  },
);

rabbitMqTest("several URLs are tried in turn", async () => {
  const { url, port } = await sharedRabbitMq();
  const queue = uniqueQueue("urls");
  await using server = await plainServer(url, queue);
  await using one = await startProxy(port);
  await using other = await startProxy(port);
  await one.refuse(true);
  const urls = [one.url(url), other.url(url)];
  await using caller = await watched(urls);
  const { rpc, events } = caller;
  const call = rpc.call(queue, "30", { retries: 1 });
  await server.request(1);
  await one.refuse(false);
  await other.refuse(true);
  other.cut();
  server.reply(await server.request(2), "832040");
  assert.equal((await call).text(), "832040");
  const brokers = [other, one].map(({ port }) => `127.0.0.1:${port}`);
  const connected = events.all.filter(({ type }) => type === "connected");
  assert.deepEqual(
    connected,
    brokers.map((broker) => ({ type: "connected", broker })),
  );
});

rabbitMqTest(
  "many calls over many cuts: none is lost, nothing is left",
  async () => {
    const { url, port } = await sharedRabbitMq();
    const queue = uniqueQueue("storm");
    await using answering = await watched(url);
    let running = 0;
    await using _server = await answering.rpc.serve(queue, (request) => {
      running++;
      return request.text();
    });
    await using proxy = await startProxy(port);
    await using caller = await watched(proxy.url(url));
    const { rpc, events } = caller;
    const calls = Array.from(
      { length: 500 },
      async (_, n) => (await rpc.call(queue, `${n}`, { retries: 100 })).text(),
    );
    for (let cut = 1; cut <= 5; cut++) {
      proxy.cut();
      await eventOf(events, "connected", cut + 1);
    }
    const texts = await Promise.all(calls);
    assert.deepEqual(texts, calls.map((_, n) => `${n}`));
    assert.equal(rpc.stats.inFlight, 0);
    assert.ok(running >= 500);
  },
);
