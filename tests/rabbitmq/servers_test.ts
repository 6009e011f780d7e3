// Several servers on one queue: they share the work, and lose none of it.

import assert from "node:assert/strict";
import type { Running } from "../support/process.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { scene } from "../cli/scene.ts";
import { connected, inFlight } from "./connected.ts";

/** How many requests a server has begun. */
function begun(server: Running): number {
  return server.stdout().match(/^ \[\.\] /gm)?.length ?? 0;
}

rabbitMqTest("two servers share the work by prefetch", async () => {
  const { url, queue, serve } = await scene();
  const args = ["--builtin", "sleep", "-c", "1", "--prefetch", "1"];
  await using one = await serve(args);
  await using other = await serve(args);
  await using client = await connected(url);
  await inFlight(200, 20, async () => {
    // Long beside what the machine may do meanwhile: it decides who is free.
    assert.equal((await client.rpc.call(queue, "10")).text(), "10");
  });
  for (const server of [one, other]) server.kill("SIGTERM");
  await Promise.all([one.result(), other.result()]);
  assert.equal(begun(one) + begun(other), 200);
  // About a hundred each; a noisy machine may favour one.
  for (const server of [one, other]) {
    assert.ok(begun(server) >= 30, `${begun(one)} and ${begun(other)}`);
  }
});

rabbitMqTest(
  "a server that is busy leaves requests to the idle one",
  async () => {
    const { url, queue, serve } = await scene();
    const args = ["--builtin", "sleep", "-c", "1", "--prefetch", "1"];
    await using one = await serve(args);
    await using other = await serve(args);
    await using client = await connected(url);
    const canceling = new AbortController();
    const { signal } = canceling;
    const options = { signal, timeoutMs: 60_000 };
    const long = client.rpc.call(queue, "30000", options);
    const canceled = assert.rejects(long, { code: "canceled" });
    await Promise.race([one.waitFor(" [.] "), other.waitFor(" [.] ")]);
    for (let n = 0; n < 10; n++) await client.rpc.call(queue, "1");
    canceling.abort();
    await canceled;
    // By its end we have read all that a server has written.
    for (const server of [one, other]) server.kill("SIGTERM");
    await Promise.all([one.result(), other.result()]);
    const counts = [begun(one), begun(other)].sort((a, b) => a - b);
    assert.deepEqual(counts, [1, 10]);
  },
);

rabbitMqTest("kill -9 of one of two servers loses no call", async () => {
  const { url, queue, serve } = await scene();
  const args = [
    "--builtin",
    "sleep",
    "--prefetch",
    "32",
    "--concurrency",
    "32",
  ];
  await using victim = await serve(args);
  await using survivor = await serve(args);
  await using client = await connected(url);
  const killed = victim.waitFor(" [.] ", "stdout", { occurrence: 150 })
    .then(() => victim.kill("SIGKILL"));
  const calls = inFlight(1000, 100, async (n) => {
    const body = String(5 + n % 20);
    assert.equal((await client.rpc.call(queue, body)).text(), body);
  });
  await Promise.all([killed, calls]);
  assert.equal((await victim.result()).signal, "SIGKILL");
  assert.equal(client.rpc.stats.inFlight, 0);
  assert.deepEqual(client.events, ["connected"]);
  survivor.kill("SIGTERM");
  assert.equal((await survivor.result()).code, 0);
  // What the victim had in hand was done again by the other.
  const runs = begun(victim) + begun(survivor);
  assert.ok(runs > 1000, `${runs} runs of 1000 requests`);
  assert.ok(begun(victim) < 800, `the victim began ${begun(victim)}`);
});
