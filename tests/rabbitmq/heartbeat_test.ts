// Heartbeats of a second: connections that live keep theirs, whatever they do,
// for several times as long as it takes the broker to give one up.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { setTimeout as delay } from "node:timers/promises";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { fakeServer } from "../cli/fake_server.ts";
import { scene } from "../cli/scene.ts";
import { connected } from "./connected.ts";

const HEARTBEAT_MS = 1_000;
/** The broker gives up after two to three intervals without a byte. */
const LONG_MS = 5 * HEARTBEAT_MS;

rabbitMqTest("computing on all cores costs a server no heartbeat", {
  slow: true,
}, async () => {
  const { client, serve } = await scene();
  await using server = await serve([
    ...["--builtin", "fib", "--workers", "2", "--verbose"],
    ...["--heartbeat", `${HEARTBEAT_MS}ms`],
    ...["--handler-timeout", `${LONG_MS}ms`],
  ]);
  const startedMs = performance.now();
  // Would take days: it computes until the limit.
  const { code, stdout } = await client(["-l"], { stdin: "78\n78\n" });
  assert.deepEqual([code, stdout], [124, "\n\n"]);
  assert.ok(performance.now() - startedMs >= LONG_MS);
  assert.equal((await client(["30"])).stdout, "832040");
  const connections = server.stderr().match(/: connected to /g);
  assert.equal(connections?.length, 1, server.stderr());
  assert.doesNotMatch(server.stderr(), /lost|interrupted|consuming again/);
});

rabbitMqTest("a client that only receives keeps its connection", async () => {
  const { url, queue } = await scene();
  await using server = await fakeServer(url, queue);
  await using client = await connected(url, { heartbeatMs: HEARTBEAT_MS });
  const call = client.rpc.call(queue, "begin", { timeoutMs: 60_000 });
  await server.received(1);
  const [request] = server.requests;
  const { replyTo } = request!.properties;
  let sent = 0;
  for (const endMs = performance.now() + LONG_MS; performance.now() < endMs;) {
    const correlationId = `unknown-${++sent}`;
    server.channel.sendToQueue(replyTo, Buffer.from("x"), { correlationId });
    await delay(10);
  }
  server.answer(request!, "end");
  assert.equal((await call).text(), "end");
  assert.deepEqual(client.events, ["connected"]);
  assert.deepEqual(client.rpc.stats, { inFlight: 0, unknownReplies: sent });
});

rabbitMqTest("a client that only sends keeps its connection", async () => {
  const { url, queue } = await scene();
  await using server = await fakeServer(url, queue);
  await using client = await connected(url, { heartbeatMs: HEARTBEAT_MS });
  const calls: Promise<unknown>[] = [];
  for (const endMs = performance.now() + LONG_MS; performance.now() < endMs;) {
    calls.push(client.rpc.call(queue, "x", { timeoutMs: 60_000 }));
    await delay(10);
  }
  await server.received(calls.length);
  for (const request of server.requests) server.answer(request, "y");
  await Promise.all(calls);
  assert.deepEqual(client.events, ["connected"]);
  assert.deepEqual(client.rpc.stats, { inFlight: 0, unknownReplies: 0 });
});

rabbitMqTest("an idle client and an idle server keep theirs", async () => {
  const { url, queue } = await scene();
  const heartbeatMs = HEARTBEAT_MS;
  await using serving = await connected(url, { heartbeatMs });
  await using _server = await serving.rpc.serve(queue, ({ bytes }) => bytes);
  await using client = await connected(url, { heartbeatMs });
  assert.equal((await client.rpc.call(queue, "x")).text(), "x");
  // Nothing is what is to happen meanwhile.
  await delay(LONG_MS);
  assert.equal((await client.rpc.call(queue, "y")).text(), "y");
  assert.deepEqual([client.events, serving.events], [
    ["connected"],
    ["connected"],
  ]);
});
