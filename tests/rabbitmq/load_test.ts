// Many calls leave nothing behind, in whatever way they end.

import assert from "node:assert/strict";
import { startProxy } from "../support/proxy.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { within } from "../support/within.ts";
import { fakeServer } from "../cli/fake_server.ts";
import { uniqueQueue } from "../cli/scene.ts";
import { connected, inFlight } from "./connected.ts";

const NOTHING = { inFlight: 0, unknownReplies: 0 };

rabbitMqTest("20,000 calls leave none pending", async () => {
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue();
  await using serving = await connected(url);
  await using server = await serving.rpc.serve(queue, ({ bytes }) => bytes);
  await using client = await connected(url);
  await inFlight(20_000, 200, async (n) => {
    const reply = await client.rpc.call(queue, String(n));
    assert.equal(reply.text(), String(n));
  });
  assert.deepEqual(client.rpc.stats, NOTHING);
  await server.stop();
  assert.equal(server.inFlight, 0);
  assert.equal((await client.rpc.inspect(queue))?.messages, 0);
});

rabbitMqTest("calls that fail leave none pending either", async () => {
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue();
  await using client = await connected(url);
  const { rpc } = client;
  const nowhere = { reason: "no_queue", maybeExecuted: false };
  await inFlight(500, 100, () => assert.rejects(rpc.call(queue, "x"), nowhere));
  await using server = await fakeServer(url, queue);
  const late = { code: "deadline_exceeded", maybeExecuted: true };
  await inFlight(500, 500, () => {
    // All have to be sent by then, and to be with the server.
    const call = rpc.call(queue, "x", { timeoutMs: 2_000 });
    return assert.rejects(call, late);
  });
  const canceling = new AbortController();
  const { signal } = canceling;
  const canceled = Array.from({ length: 500 }, () => {
    const call = rpc.call(queue, "canceled", { signal });
    return assert.rejects(call, { code: "canceled" });
  });
  await server.received(1000);
  canceling.abort();
  await Promise.all(canceled);
  assert.deepEqual(rpc.stats, NOTHING);
  // Their replies come all the same, and are dropped.
  for (const request of server.requests) server.answer(request, "late");
  const last = rpc.call(queue, "last");
  await server.received(1001);
  server.answer(server.requests[1000]!, "in time");
  assert.equal((await last).text(), "in time");
  assert.deepEqual(rpc.stats, { inFlight: 0, unknownReplies: 1000 });
});

rabbitMqTest("a cut under load fails what was sent, and no more", async () => {
  const { url, port } = await sharedRabbitMq();
  const queue = uniqueQueue();
  await using proxy = await startProxy(port);
  await using server = await fakeServer(url, queue, (request, server) => {
    if (request.content.toString() === "after") server.answer(request, "ok");
  });
  await using client = await connected(proxy.url(url));
  const calls = Array.from({ length: 300 }, () => {
    return assert.rejects(client.rpc.call(queue, "before"), {
      code: "unavailable",
      reason: "connection_lost",
      maybeExecuted: true,
    });
  });
  await server.received(300);
  proxy.cut();
  await within("all to fail", Promise.all(calls));
  assert.deepEqual(client.rpc.stats, NOTHING);
  await inFlight(300, 100, async () => {
    assert.equal((await client.rpc.call(queue, "after")).text(), "ok");
  });
  assert.deepEqual(client.events, ["connected", "lost", "connected"]);
});
