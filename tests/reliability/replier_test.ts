// Replies: confirmed before the request is acknowledged, held when they must.

import assert from "node:assert/strict";
import { RpcError } from "../../src/rpc/errors.ts";
import type { RpcRequest } from "../../src/rpc/messages.ts";
import type { Outcome } from "../../src/rpc/serving/job.ts";
import { Replier } from "../../src/rpc/serving/replier.ts";
import type { ServerEvent } from "../../src/rpc/serving/server_events.ts";
import { FakeRequestQueue } from "./requests.ts";
import { eventOf, Log, soon, turn } from "./watching.ts";

const LOST = new RpcError("unavailable", "cut", { reason: "connection_lost" });
const REJECTED = new RpcError("resource_exhausted", "the queue is full", {
  reason: "rejected",
});

function replying() {
  const events = new Log<ServerEvent>();
  const idle = new Log<"idle">();
  const held = new Log<{ request: RpcRequest; outcome: Outcome }>();
  const replier: Replier = new Replier({
    maxReplyBytes: 1000,
    onEvent: events.add,
    replyCache: {
      remember: (request, outcome) => held.add({ request, outcome }),
    },
    onSettled: () => {
      if (replier.underWay === 0) idle.add("idle");
    },
  });
  return { replier, events, idle, held, queue: new FakeRequestQueue() };
}

Deno.test("a request is acknowledged once its reply is confirmed", async () => {
  const { replier, queue } = replying();
  const job = queue.job({ correlationId: "7", replyTo: "callback" });
  replier.send(job, { result: "55" }, "acknowledge");
  const { text, properties, confirm, queue: to } = await queue.message();
  assert.deepEqual([to, text, properties.correlationId], [
    "callback",
    "55",
    "7",
  ]);
  assert.deepEqual(queue.settled.all, []);
  assert.equal(replier.underWay, 1);
  confirm();
  assert.equal(await queue.settled.first("settlement"), "ack 1");
});

Deno.test("a request that is given up is dropped once it is answered", async () => {
  const { replier, queue } = replying();
  const error = new RpcError("aborted", "it ends its servers");
  replier.send(queue.job(), { error }, "dead_letter");
  (await queue.message()).confirm();
  assert.equal(await queue.settled.first("settlement"), "drop 1");
});

Deno.test("without reply_to there is nothing to publish", async () => {
  const { replier, queue, idle } = replying();
  const job = queue.job({ replyTo: undefined });
  replier.send(job, { result: "55" }, "acknowledge");
  await idle.first("idle");
  assert.deepEqual(queue.settled.all, ["ack 1"]);
  assert.deepEqual(queue.published.all, []);
});

Deno.test("a reply that was lost is held, and published on the next connection", async () => {
  const { replier, events, held, queue } = replying();
  replier.resume(queue);
  const job = queue.job({ correlationId: "7" });
  const outcome = { result: "55" };
  replier.send(job, outcome, "acknowledge");
  (await queue.message()).fail(LOST);
  const { request } = job;
  assert.deepEqual(await held.first("held reply"), { request, outcome });
  assert.equal((await eventOf(events, "reply_held")).correlationId, "7");
  // The delivery is the broker's to make again.
  assert.deepEqual(queue.settled.all, []);
  const next = new FakeRequestQueue();
  const resumed = replier.resume(next);
  const again = await next.message();
  assert.equal(again.text, "55");
  again.confirm();
  assert.equal(await resumed, true);
  assert.deepEqual(next.settled.all, []);
});

Deno.test("a reply of the last connection goes out on the one that is there", async () => {
  const { replier, queue } = replying();
  replier.resume(queue);
  const next = new FakeRequestQueue();
  replier.resume(next);
  replier.send(queue.job(), { result: "55" }, "acknowledge");
  (await queue.message()).fail(LOST);
  assert.equal((await next.message()).text, "55");
});

Deno.test("a held reply that is lost again is held again", async () => {
  const { replier, queue } = replying();
  replier.send(queue.job(), { result: "55" }, "acknowledge");
  (await queue.message()).fail(LOST);
  for (let n = 0; n < 3; n++) {
    const next = new FakeRequestQueue();
    await soon("reply", publishedBy(replier, next));
  }
});

/** Resumes until the reply comes, which is then lost. */
async function publishedBy(replier: Replier, next: FakeRequestQueue) {
  while (next.published.all.length === 0) {
    replier.resume(next);
    await turn();
  }
  const { text, fail } = next.published.all[0];
  assert.equal(text, "55");
  fail(LOST);
}

Deno.test("a reply that nobody awaits any more is not published", async () => {
  const { replier, events, queue } = replying();
  const job = queue.job({ deadlineMs: Date.now() - 1 });
  replier.send(job, { result: "55" }, "acknowledge");
  (await queue.message()).fail(LOST);
  await eventOf(events, "reply_held");
  const next = new FakeRequestQueue();
  replier.resume(next);
  assert.deepEqual(next.published.all, []);
});

Deno.test("a result that the broker refuses is answered with an error", async () => {
  const { replier, queue } = replying();
  replier.send(queue.job(), { result: "55" }, "acknowledge");
  (await queue.message()).fail(REJECTED);
  const second = await queue.message(2);
  const { code, detail } = JSON.parse(second.text);
  assert.equal(code, "internal");
  assert.match(detail, /could not be sent: the queue is full/);
  second.confirm();
  assert.equal(await queue.settled.first("settlement"), "ack 1");
});

Deno.test("an error that the broker refuses is dropped, and said so", async () => {
  const { replier, events, queue } = replying();
  const error = new RpcError("not_found", "no such thing");
  replier.send(queue.job(), { error }, "acknowledge");
  (await queue.message()).fail(REJECTED);
  const { why } = await eventOf(events, "reply_dropped");
  assert.equal(why, "the queue is full");
  assert.equal(await queue.settled.first("settlement"), "ack 1");
});

Deno.test("an error whose details are no JSON is answered without them", async () => {
  const { replier, queue } = replying();
  const error = new RpcError("not_found", "no such thing", {
    details: { id: 7n },
  });
  replier.send(queue.job(), { error }, "acknowledge");
  const { text, confirm } = await queue.message();
  const { code, detail } = JSON.parse(text);
  assert.deepEqual([code, detail], ["not_found", "no such thing"]);
  confirm();
  await queue.settled.first("settlement");
});
