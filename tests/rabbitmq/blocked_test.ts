// Connections that take nothing: blocked by the broker, or stalled.

import assert from "node:assert/strict";
import type { RpcError } from "../../src/mod.ts";
import { startProxy } from "../support/proxy.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import { run } from "../support/program.ts";
import { within } from "../support/within.ts";
import { connected } from "./connected.ts";

const MIB = 1024 * 1024;
const QUEUE = "blocked";

async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
  return await promise.then(() => assert.fail("answered"), (error) => error);
}

rabbitMqTest("a connection that takes nothing", { slow: true }, async (t) => {
  await using rabbitMq = await startRabbitMq();
  await using serving = await connected(rabbitMq.url);
  await serving.rpc.serve(QUEUE, (request) => request.text().slice(0, 5));

  await t.step(
    "blocked: calls and inspections end in time, and say why",
    async () => {
      await using calling = await connected(rabbitMq.url);
      const { rpc } = calling;
      await rpc.call(QUEUE, "once");
      await rabbitMq.blockPublishers();
      // The broker blocks a connection when it publishes.
      const first = failureOf(rpc.call(QUEUE, "first", { timeoutMs: 2_000 }));
      await calling.event("blocked");
      const unsent = failureOf(rpc.call(QUEUE, "unsent", { timeoutMs: 200 }));
      const asked = failureOf(rpc.inspect(QUEUE, { timeoutMs: 300 }));
      const why = /the broker has blocked the connection \(low on memory\)/;
      for (
        const [failing, maybeExecuted] of [[first, true], [
          unsent,
          false,
        ]] as const
      ) {
        const error = await within("the call to end", failing, 20_000);
        assert.equal(error.code, "deadline_exceeded");
        assert.equal(error.reason, "blocked");
        assert.match(error.message, why);
        assert.equal(error.maybeExecuted, maybeExecuted);
      }
      const error = await within("the inspection to end", asked, 20_000);
      assert.equal(error.code, "deadline_exceeded");
      assert.match(
        error.message,
        /has not answered about queue "blocked" within 300ms/,
      );
      assert.equal(error.reason, "blocked");
      assert.match(error.message, why);
      const { stderr } = await run(
        ["client", QUEUE, "hi", "-u", rabbitMq.url, "-t", "1s"],
      );
      assert.match(
        stderr,
        /has blocked .*\. Check the broker's memory and disk, and the network/,
      );
      await within("the end", rpc.close(), 20_000);
      await rabbitMq.unblockPublishers();
    },
  );

  await t.step(
    "blocked: what waits is bounded, and sent in the end",
    async () => {
      await using calling = await connected(rabbitMq.url, {
        maxUnsentBytes: 3 * MIB,
      });
      const { rpc } = calling;
      await rpc.call(QUEUE, "once");
      await rabbitMq.blockPublishers();
      const first = rpc.call(QUEUE, "first");
      await calling.event("blocked");
      const bodies = [1, 2, 3, 4].map((n) => new Uint8Array(MIB).fill(48 + n));
      const calls = Promise.allSettled(
        bodies.map((body) => rpc.call(QUEUE, body)),
      );
      const error = await failureOf(rpc.call(QUEUE, "more"));
      assert.equal(error.code, "resource_exhausted");
      assert.equal(error.reason, "overloaded");
      assert.match(
        error.message,
        /3MiB of requests are already waiting.*has blocked/,
      );
      await rabbitMq.unblockPublishers();
      const outcomes = (await calls).map((end) =>
        end.status === "fulfilled" ? end.value.text() : end.reason.reason
      );
      assert.deepEqual(outcomes, ["11111", "22222", "33333", "overloaded"]);
      await first;
    },
  );

  await t.step(
    "blocked, and lost: what was not sent can't have run",
    async () => {
      await using proxy = await startProxy(rabbitMq.port);
      await using calling = await connected(proxy.url(rabbitMq.url));
      const { rpc } = calling;
      await rpc.call(QUEUE, "once");
      await rabbitMq.blockPublishers();
      const first = failureOf(rpc.call(QUEUE, "first"));
      await calling.event("blocked");
      const unsent = failureOf(rpc.call(QUEUE, "unsent"));
      const patient = rpc.call(QUEUE, "patient", { wait: true });
      proxy.cut();
      assert.equal((await first).maybeExecuted, true);
      const error = await unsent;
      assert.equal(error.reason, "connection_lost");
      assert.equal(error.maybeExecuted, false);
      await rabbitMq.unblockPublishers();
      assert.equal((await patient).text(), "patie");
    },
  );

  await t.step("stalled: most fail at once, the others in time", async () => {
    await using proxy = await startProxy(rabbitMq.port);
    await using calling = await connected(proxy.url(rabbitMq.url), {
      heartbeatMs: 60_000,
    });
    const { rpc } = calling;
    await rpc.call(QUEUE, "once");
    proxy.stall("up");
    const body = new Uint8Array(MIB);
    const failures = await within(
      "all calls to end",
      Promise.all(
        Array.from(
          { length: 300 },
          () => failureOf(rpc.call(QUEUE, body, { timeoutMs: 1_000 })),
        ),
      ),
      60_000,
    );
    const count = (code: string) =>
      failures.filter((error) => error.code === code).length;
    assert.equal(count("resource_exhausted") + count("deadline_exceeded"), 300);
    assert.ok(count("resource_exhausted") > 150, "64 MiB and some may wait");
    assert.ok(count("deadline_exceeded") >= 64);
    const waited = failures.find((error) =>
      error.code === "deadline_exceeded" && !error.maybeExecuted
    );
    assert.match(
      String(waited),
      /could not be sent within 1s: the connection accepts no more data for now/,
    );
    proxy.resume();
    assert.equal((await rpc.call(QUEUE, "again")).text(), "again");
  });

  await t.step("many large calls at once get through what moves", async () => {
    await using calling = await connected(rabbitMq.url);
    const replies = await Promise.all(
      Array.from(
        { length: 60 },
        (_, n) =>
          calling.rpc.call(QUEUE, new Uint8Array(MIB).fill(48 + n % 10)),
      ),
    );
    assert.deepEqual(
      replies.map((reply) => reply.text()),
      replies.map((_, n) => `${n % 10}`.repeat(5)),
    );
  });
});
