// Calls that their callers give up: the server hears of it.

import assert from "node:assert/strict";
import { once } from "node:events";
import amqplib from "amqplib";
import { Buffer } from "node:buffer";
import { start } from "../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { close, plainServer } from "./plain_server.ts";
import {
  failureOf,
  Handler,
  type Run,
  serveWith,
  soon,
  uniqueQueue,
  watched,
} from "./watching.ts";

/** A second, and what a busy machine may add; unheard of it would take 30 s. */
const SOON_MS = 4_000;

/** A server that runs one at a time, and a caller. */
async function scene(name: string) {
  const stack = new AsyncDisposableStack();
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue(name);
  const { rpc: answering } = stack.use(await watched(url));
  const handler = new Handler();
  const options = { concurrency: 1 };
  const { server } = await serveWith(answering, queue, handler, options);
  stack.use(server);
  const { rpc } = stack.use(await watched(url));
  return {
    url,
    queue,
    handler,
    rpc,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Resolves when the run's signal fires. */
async function aborted({ context: { signal } }: Run, boundMs?: number) {
  if (!signal.aborted) await soon("abort", once(signal, "abort"), boundMs);
}

rabbitMqTest(
  "aborting a call ends its run, at once, and frees its place",
  async () => {
    await using setting = await scene("abort");
    const { rpc, queue, handler } = setting;
    const canceling = new AbortController();
    const { signal } = canceling;
    const call = rpc.call(queue, "for ever", { signal });
    const next = rpc.call(queue, "next");
    const run = await handler.run(1);
    const fired = aborted(run, SOON_MS);
    canceling.abort();
    const error = await failureOf(call);
    assert.equal(error.code, "canceled");
    assert.equal(error.maybeExecuted, true);
    await fired;
    // The first never ends, and yet the only place is free.
    (await handler.run(2)).finish("served");
    assert.equal((await next).text(), "served");
    assert.equal(rpc.stats.inFlight, 0);
  },
);

rabbitMqTest(
  "a call with several attempts is cancelled wherever it runs",
  async () => {
    await using setting = await scene("attempts");
    const { rpc, queue, handler } = setting;
    const canceling = new AbortController();
    const options = { retries: 1, attemptTimeoutMs: 50 };
    const twice = Promise.withResolvers<void>();
    const call = rpc.call(queue, "for ever", {
      ...options,
      signal: canceling.signal,
      onAttempt: (attempt) => attempt === 2 && twice.resolve(),
    });
    const run = await handler.run(1);
    await soon("second attempt", twice.promise);
    canceling.abort();
    assert.equal((await failureOf(call)).code, "canceled");
    await aborted(run);
    const next = rpc.call(queue, "next");
    (await handler.runOf("next")).finish("served");
    assert.equal((await next).text(), "served");
    assert.equal(rpc.stats.inFlight, 0);
  },
);

rabbitMqTest(
  "calls that are cancelled while they wait in the queue take no place",
  async () => {
    await using setting = await scene("queued");
    const { rpc, queue, handler } = setting;
    const canceling = new AbortController();
    const { signal } = canceling;
    // More than the server takes ahead of what it runs.
    const calls = Array.from({ length: 50 }, () => {
      return failureOf(rpc.call(queue, "for ever", { signal }));
    });
    await handler.run(1);
    canceling.abort();
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    assert.deepEqual(new Set(codes), new Set(["canceled"]));
    const next = rpc.call(queue, "next");
    (await handler.runOf("next")).finish("served");
    assert.equal((await next).text(), "served");
  },
);

rabbitMqTest("a call whose time is up ends its run", async () => {
  await using setting = await scene("timeout");
  const { rpc, queue, handler } = setting;
  // It has to get to the server first.
  const call = rpc.call(queue, "for ever", { timeoutMs: 1_500 });
  const run = await handler.run(1);
  assert.equal((await failureOf(call)).code, "deadline_exceeded");
  await aborted(run, SOON_MS);
});

rabbitMqTest(
  "ids that nobody runs are ignored, and so is what is no cancel message",
  async () => {
    await using setting = await scene("ids");
    const { url, rpc, queue, handler } = setting;
    const call = rpc.call(queue, "30");
    const run = await handler.run(1);
    const { correlationId } = run.request;
    const connection = await amqplib.connect(url);
    try {
      const channel = await connection.createConfirmChannel();
      const messages = [
        { type: "cancel", correlationId: "nobody's" },
        { type: "cancel" },
        { type: "something else", correlationId },
        {},
      ];
      for (const message of messages) {
        const exchange = `rabbit-rpc.cancel.${queue}`;
        channel.publish(exchange, "", Buffer.alloc(0), message);
      }
      await channel.waitForConfirms();
    } finally {
      await close(connection);
    }
    // Cancel messages come in order: after this one, those have come.
    const canceling = new AbortController();
    const other = rpc.call(queue, "waits", { signal: canceling.signal });
    canceling.abort();
    await failureOf(other);
    assert.equal(run.context.signal.aborted, false);
    run.finish("832040");
    assert.equal((await call).text(), "832040");
  },
);

rabbitMqTest(
  "a server that knows nothing of cancelling: no harm done",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue("plain");
    await using server = await plainServer(url, queue);
    await using caller = await watched(url);
    const { rpc, events } = caller;
    const pending = rpc.call(queue, "pending");
    const first = await server.request(1);
    for (const n of [2, 3]) {
      const canceling = new AbortController();
      const { signal } = canceling;
      const call = rpc.call(queue, "cancelled", { signal });
      const request = await server.request(n);
      canceling.abort();
      assert.equal((await failureOf(call)).code, "canceled");
      server.reply(request, "all the same");
    }
    server.reply(first, "832040");
    assert.equal((await pending).text(), "832040");
    const next = rpc.call(queue, "next");
    server.reply(await server.request(4), "served");
    assert.equal((await next).text(), "served");
    assert.deepEqual(rpc.stats, { inFlight: 0, unknownReplies: 2 });
    assert.deepEqual(events.all.map(({ type }) => type), ["connected"]);
  },
);

rabbitMqTest(
  "cancelling where no exchange is does not keep the next from arriving",
  async () => {
    await using setting = await scene("mixed");
    const { url, rpc, queue, handler } = setting;
    const plain = uniqueQueue("plain");
    await using server = await plainServer(url, plain);
    let runs = 0;
    /** Whether the server hears of an abort, long before the deadline. */
    const isHeard = async () => {
      const ending = new AbortController();
      const options = { signal: ending.signal, timeoutMs: 3 * SOON_MS };
      const call = rpc.call(queue, "for ever", options);
      const run = await handler.run(++runs);
      ending.abort();
      await failureOf(call);
      return await aborted(run, SOON_MS).then(() => true, () => false);
    };
    for (const n of [1, 2]) {
      const canceling = new AbortController();
      const { signal } = canceling;
      const lost = rpc.call(plain, "30", { signal });
      await server.request(n);
      canceling.abort();
      await failureOf(lost);
      // A round trip: the broker has closed the channel by now. Where it is
      // slow to do so, what is sent meanwhile is lost; what comes then is not.
      await rpc.inspect(plain);
      assert.ok(await isHeard() || await isHeard());
    }
  },
);

rabbitMqTest(
  "a worker that computes for a cancelled call is ended",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue("fib");
    await using server = await start(
      ["server", queue, "--builtin", "fib", "--workers", "1", "--url", url],
    );
    await server.waitFor("Awaiting RPC requests");
    await using caller = await watched(url);
    const { rpc } = caller;
    const canceling = new AbortController();
    // Minutes of computing.
    const call = rpc.call(queue, "60", { signal: canceling.signal });
    await server.waitFor("fib(60)");
    canceling.abort();
    await failureOf(call);
    const reply = await rpc.call(queue, "5", { timeoutMs: 10_000 });
    assert.equal(reply.text(), "5");
  },
);

rabbitMqTest(
  "SIGINT of the client cancels its call on the server",
  async () => {
    await using setting = await scene("sigint");
    const { url, queue, handler } = setting;
    await using client = await start(
      ["client", queue, "for ever", "--url", url],
    );
    const run = await handler.run(1);
    const fired = aborted(run);
    client.kill("SIGINT");
    await fired;
    const { code, stdout } = await client.result();
    assert.deepEqual([code, stdout], [130, ""]);
  },
);
