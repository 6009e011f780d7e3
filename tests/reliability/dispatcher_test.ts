// What a server runs, joins, answers again, cancels and gives up.

import assert from "node:assert/strict";
import { Dispatcher } from "../../src/rpc/serving/dispatcher.ts";
import { ReplyCache } from "../../src/rpc/serving/reply_cache.ts";
import type { ReplyStage } from "../../src/rpc/serving/replier.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import type { Job, Outcome } from "../../src/rpc/serving/job.ts";
import type { Procedure } from "../../src/rpc/procedure.ts";
import { FakeRequestQueue } from "./requests.ts";
import { Handler, Log } from "./watching.ts";

interface End {
  readonly job: Job;
  readonly outcome: Outcome;
}

/** A dispatcher whose procedure a test ends. */
function dispatching(concurrency = 10) {
  const handler = new Handler();
  const queue = new FakeRequestQueue();
  return { ...running(handler.procedure, concurrency), handler, queue };
}

function running(procedure: Procedure, concurrency = 10) {
  const ends = new Log<End>();
  const replyCache = new ReplyCache();
  const replier: ReplyStage = {
    send: (job, outcome) => ends.add({ job, outcome }),
  };
  const dispatcher = new Dispatcher(procedure, replier, {
    concurrency,
    handlerTimeoutMs: 60_000,
    maxReplyBytes: 1_000,
    maxStreams: Infinity,
    maxStreamItems: Infinity,
    maxStreamBytes: Infinity,
    stallTimeoutMs: 60_000,
    replyCache,
    onStart: () => {},
    onEvent: () => {},
  });
  // Stops the timer of its deadlines.
  const disposable = { [Symbol.dispose]: () => dispatcher.abandon() };
  return { dispatcher, replyCache, ends, disposable };
}

function nthEnd(ends: Log<End>, n: number): Promise<End> {
  return ends.first("end of a job", undefined, n);
}

/** The code of the error that a job ended with. */
function codeOf({ outcome }: End): string {
  return "error" in outcome ? outcome.error.code : "none";
}

Deno.test("a repeated message id gets the outcome again, at once", async () => {
  const { dispatcher, ends, handler, queue } = dispatching();
  dispatcher.accept(queue.job({ messageId: "1" }));
  (await handler.run()).finish("55");
  await nthEnd(ends, 1);
  const again = queue.job({ messageId: "1" });
  dispatcher.accept(again);
  assert.deepEqual(await nthEnd(ends, 2), {
    job: again,
    outcome: { result: "55" },
  });
  assert.equal(handler.count, 1);
  dispatcher.abandon();
});

Deno.test("a repeated message id joins what runs, without a place of its own", async () => {
  const { dispatcher, ends, handler, queue } = dispatching(2);
  const jobs = [queue.job({ messageId: "1" }), queue.job({ messageId: "1" })];
  for (const job of jobs) dispatcher.accept(job);
  dispatcher.accept(queue.job({ messageId: "2" }));
  (await handler.run(1)).finish("55");
  await handler.run(2);
  await nthEnd(ends, 2);
  assert.deepEqual(
    ends.all,
    jobs.map((job) => ({ job, outcome: { result: "55" } })),
  );
  dispatcher.abandon();
});

Deno.test("another body or type, a foreign client, or no message id: another run", async () => {
  const { dispatcher, ends, handler, queue } = dispatching();
  const messageId = "1";
  const others = [
    { messageId },
    { messageId, body: "31" },
    { messageId, type: "sum" },
    { messageId, headers: {} },
    { messageId, headers: {} },
    {},
    {},
  ];
  for (const [index, parts] of others.entries()) {
    dispatcher.accept(queue.job(parts));
    (await handler.run(index + 1)).finish(String(index));
    const { outcome } = await nthEnd(ends, index + 1);
    assert.deepEqual(outcome, { result: String(index) });
  }
  dispatcher.abandon();
});

Deno.test("a transient error is not stored, another error is", async () => {
  const codes = ["aborted", "unavailable", "invalid_argument"] as const;
  for (const code of codes) {
    const { dispatcher, ends, handler, queue } = dispatching();
    dispatcher.accept(queue.job({ messageId: "1" }));
    (await handler.run()).fail(new RpcError(code, "not today"));
    await nthEnd(ends, 1);
    dispatcher.accept(queue.job({ messageId: "1" }));
    const stored = code === "invalid_argument";
    if (!stored) (await handler.run(2)).finish("better");
    assert.equal(codeOf(await nthEnd(ends, 2)), stored ? code : "none");
    assert.equal(handler.count, stored ? 1 : 2);
    dispatcher.abandon();
  }
});

Deno.test("a lost connection: what waits is dropped, what runs is found again", async () => {
  const { dispatcher, ends, handler, queue } = dispatching(1);
  dispatcher.accept(queue.job({ correlationId: "runs" }));
  dispatcher.accept(queue.job({ correlationId: "waits" }));
  const run = await handler.run();
  dispatcher.connectionLost();
  assert.equal(dispatcher.size, 1);

  // Both are delivered again, on the next connection.
  const next = new FakeRequestQueue();
  dispatcher.accept(next.job({ correlationId: "runs", redelivered: true }));
  dispatcher.accept(next.job({ correlationId: "waits", redelivered: true }));
  run.finish("once");
  (await handler.run(2)).finish("twice");
  const told = await Promise.all([1, 2, 3].map((n) => nthEnd(ends, n)));
  assert.deepEqual(
    told.map(({ job, outcome }) => [job.requests === next, outcome]),
    [
      [false, { result: "once" }],
      [true, { result: "once" }],
      [true, { result: "twice" }],
    ],
  );
  assert.equal(handler.count, 2);
  dispatcher.abandon();
});

Deno.test("what ended after the loss is found when it is delivered again", async () => {
  const { dispatcher, ends, handler, queue } = dispatching();
  dispatcher.accept(queue.job({ correlationId: "a" }));
  dispatcher.connectionLost();
  (await handler.run()).finish("once");
  await nthEnd(ends, 1);
  dispatcher.accept(queue.job({ correlationId: "a", redelivered: true }));
  assert.deepEqual((await nthEnd(ends, 2)).outcome, { result: "once" });
  // The same id, but not delivered before: a foreign server's loss perhaps.
  dispatcher.accept(queue.job({ correlationId: "a" }));
  await handler.run(2);
  dispatcher.abandon();
});

Deno.test("what lost its reply is answered again when it is delivered again", async () => {
  const { dispatcher, replyCache, ends, handler, queue } = dispatching();
  dispatcher.accept(queue.job({ correlationId: "a" }));
  (await handler.run()).finish("once");
  const { job, outcome } = await nthEnd(ends, 1);
  replyCache.remember(job.request, outcome);
  dispatcher.accept(queue.job({ correlationId: "a", redelivered: true }));
  assert.deepEqual((await nthEnd(ends, 2)).outcome, outcome);
  assert.equal(handler.count, 1);
  dispatcher.abandon();
});

Deno.test("cancelling frees the place of a run, and drops what waits", async () => {
  const { dispatcher, ends, handler, queue } = dispatching(1);
  dispatcher.accept(queue.job({ correlationId: "runs" }));
  dispatcher.accept(queue.job({ correlationId: "waits" }));
  dispatcher.accept(queue.job({ correlationId: "next", body: "next" }));
  const { context } = await handler.run();
  dispatcher.cancel("waits");
  assert.equal(codeOf(await nthEnd(ends, 1)), "canceled");
  dispatcher.cancel("runs");
  assert.equal(codeOf(await nthEnd(ends, 2)), "canceled");
  assert.equal(context.signal.reason.code, "canceled");
  const next = await handler.run(2);
  assert.equal(next.request.text(), "next");
  next.finish("served");
  assert.deepEqual((await nthEnd(ends, 3)).outcome, { result: "served" });
  dispatcher.abandon();
});

Deno.test("a cancel that comes before its request is remembered for it", async () => {
  const { dispatcher, ends, handler, queue } = dispatching();
  dispatcher.cancel("early");
  assert.equal(ends.all.length, 0);
  dispatcher.accept(queue.job({ correlationId: "early" }));
  assert.equal(codeOf(await nthEnd(ends, 1)), "canceled");
  // Once; and the ids of other clients need not be unique.
  dispatcher.accept(queue.job({ correlationId: "early", body: "1" }));
  await handler.run(1);
  dispatcher.cancel("foreign");
  const foreign = { correlationId: "foreign", headers: {}, body: "2" };
  dispatcher.accept(queue.job(foreign));
  await handler.run(2);
  // It is bounded: the oldest is forgotten.
  dispatcher.cancel("oldest");
  for (let n = 0; n < 10_000; n++) dispatcher.cancel(`nobody's ${n}`);
  dispatcher.accept(queue.job({ correlationId: "oldest", body: "3" }));
  const { request } = await handler.run(3);
  assert.equal(request.text(), "3");
  dispatcher.abandon();
});

Deno.test("cancelling one of several joined jobs ends them all", async () => {
  const { dispatcher, ends, handler, queue } = dispatching();
  for (const correlationId of ["first", "second"]) {
    dispatcher.accept(queue.job({ messageId: "1", correlationId }));
  }
  await handler.run();
  dispatcher.cancel("second");
  assert.equal(codeOf(await nthEnd(ends, 1)), "canceled");
  assert.equal(codeOf(await nthEnd(ends, 2)), "canceled");
  // Canceled is transient: the same call may be made again.
  dispatcher.accept(queue.job({ messageId: "1" }));
  await handler.run(2);
  dispatcher.abandon();
});

Deno.test("an expired request is not run", () => {
  const { dispatcher, ends, handler, queue } = dispatching();
  dispatcher.accept(queue.job({ deadlineMs: Date.now() - 1 }));
  assert.equal(codeOf(ends.all[0]), "deadline_exceeded");
  assert.equal(handler.count, 0);
  dispatcher.abandon();
});

Deno.test("paused, it starts nothing; abandoned, it tells no outcome", async () => {
  const { dispatcher, ends, handler, queue } = dispatching(1);
  dispatcher.accept(queue.job());
  const waiting = queue.job();
  dispatcher.accept(waiting);
  const run = await handler.run();
  assert.deepEqual(dispatcher.pause(), [waiting]);
  assert.equal(dispatcher.size, 1);
  dispatcher.abandon();
  assert.equal(run.context.signal.reason.code, "aborted");
  run.finish("too late");
  assert.equal(dispatcher.size, 0);
  assert.deepEqual(ends.all, []);
});

Deno.test("procedures that end at once do not pile up on the stack", () => {
  const { dispatcher, ends, disposable } = running(() => "now", 1);
  using _ = disposable;
  const queue = new FakeRequestQueue();
  for (let n = 0; n < 20_000; n++) dispatcher.accept(queue.job());
  assert.equal(ends.all.length, 20_000);
  assert.equal(dispatcher.size, 0);
});

Deno.test("a foreign client's request takes its own place again, once", async () => {
  const { dispatcher, ends, handler, queue } = dispatching();
  const parts = { correlationId: "same", headers: {} };
  dispatcher.accept(queue.job(parts));
  const run = await handler.run(1);
  dispatcher.connectionLost();
  const again = queue.job({ ...parts, redelivered: true });
  dispatcher.accept(again);
  // As like as two eggs, but another: it had not been started before.
  dispatcher.accept(queue.job({ ...parts, redelivered: true }));
  (await handler.run(2)).finish("second");
  run.finish("first");
  await nthEnd(ends, 2);
  assert.deepEqual(ends.all[1], { job: again, outcome: { result: "first" } });
  assert.equal(handler.count, 2);
  dispatcher.abandon();
});

Deno.test("a foreign client's request gets its kept outcome once", async () => {
  const { dispatcher, replyCache, ends, handler, queue } = dispatching();
  const parts = { correlationId: "same", headers: {} };
  replyCache.remember(queue.job(parts).request, { result: "kept" });
  dispatcher.accept(queue.job({ ...parts, redelivered: true }));
  const { outcome } = await nthEnd(ends, 1);
  assert.deepEqual(outcome, { result: "kept" });
  dispatcher.accept(queue.job({ ...parts, redelivered: true }));
  (await handler.run(1)).finish("run");
  assert.deepEqual((await nthEnd(ends, 2)).outcome, { result: "run" });
  dispatcher.abandon();
});
