// Replies for which a broker closes connections.

import assert from "node:assert/strict";
import { RpcError } from "../../src/rpc/errors.ts";
import { ReplyCache } from "../../src/rpc/serving/reply_cache.ts";
import { Replier } from "../../src/rpc/serving/replier.ts";
import type { ServerEvent } from "../../src/rpc/serving/server_events.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { plainClient } from "./plain_server.ts";
import { FakeRequestQueue, requestOf } from "./requests.ts";
import {
  eventOf,
  Handler,
  Log,
  serveWith,
  uniqueQueue,
  watched,
} from "./watching.ts";

const CUT = new RpcError("unavailable", "cut", { reason: "connection_lost" });
const CLOSED = new RpcError("unavailable", "INTERNAL_ERROR (541)", {
  reason: "connection_lost",
  details: { reply_code: 541 },
});
const STOPPED = new RpcError("unavailable", "CONNECTION_FORCED (320)", {
  reason: "connection_lost",
  details: { reply_code: 320 },
});

function replierTelling(events: Log<ServerEvent>): Replier {
  return new Replier({
    maxReplyBytes: 1000,
    onEvent: events.add,
    replyCache: new ReplyCache(),
    onSettled: () => {},
  });
}

/** Replies to "a", "b" and "c" are in flight when the connection is lost. */
async function lostWith(error: RpcError) {
  const events = new Log<ServerEvent>();
  const replier = replierTelling(events);
  const queue = new FakeRequestQueue();
  for (const result of ["a", "b", "c"]) {
    replier.send(queue.job({ replyTo: result }), { result }, "acknowledge");
  }
  for (const n of [1, 2, 3]) (await queue.message(n)).fail(error);
  return { replier, events };
}

function texts(queue: FakeRequestQueue): string[] {
  return queue.published.all.map(({ text }) => text);
}

Deno.test("replies that a network lost are published together", async () => {
  for (const error of [CUT, STOPPED]) {
    const { replier } = await lostWith(error);
    const next = new FakeRequestQueue();
    const resumed = replier.resume(next);
    assert.deepEqual(texts(next), ["a", "b", "c"]);
    for (const { confirm } of next.published.all) confirm();
    assert.equal(await resumed, true);
  }
});

Deno.test("those that a broker's close lost are published one by one", async () => {
  const { replier, events } = await lostWith(CLOSED);
  const second = new FakeRequestQueue();
  const resumed = replier.resume(second);
  (await second.message(1)).confirm();
  (await second.message(2)).fail(CLOSED);
  assert.equal(await resumed, false);
  assert.deepEqual(texts(second), ["a", "b"]);
  const { why, error } = await eventOf(events, "reply_dropped");
  assert.equal(why, 'the broker closes connections for replies to "b"');
  assert.equal(error, CLOSED);
  const third = new FakeRequestQueue();
  const resumedAgain = replier.resume(third);
  (await third.message()).confirm();
  assert.equal(await resumedAgain, true);
  assert.deepEqual(texts(third), ["c"]);
});

Deno.test("a suspect that a network lost is none the worse for it", async () => {
  const { replier, events } = await lostWith(CLOSED);
  for (let n = 0; n < 3; n++) {
    const next = new FakeRequestQueue();
    const resumed = replier.resume(next);
    (await next.message()).fail(CUT);
    assert.equal(await resumed, false);
  }
  const held = events.all.filter(({ type }) => type === "reply_held");
  assert.equal(held.length, 3 + 3 * 3);
  assert.equal(events.all.some(({ type }) => type === "reply_dropped"), false);
});

Deno.test("the request of a dropped reply is known when it comes again", async () => {
  const events = new Log<ServerEvent>();
  const replier = replierTelling(events);
  const parts = { headers: {}, correlationId: undefined, replyTo: "bad" };
  const queue = new FakeRequestQueue();
  replier.send(queue.job(parts), { result: "" }, "acknowledge");
  (await queue.message()).fail(CLOSED);
  const next = new FakeRequestQueue();
  const resumed = replier.resume(next);
  (await next.message()).fail(CLOSED);
  await resumed;
  const again = requestOf({ ...parts, redelivered: true });
  assert.equal(replier.ruinous(again), true);
  // The broker may yet have to be told a second time.
  assert.equal(replier.ruinous(again), true);
  const others = [
    requestOf(parts),
    requestOf({ ...parts, redelivered: true, body: "another" }),
    requestOf({ ...parts, redelivered: true, replyTo: "good" }),
  ];
  for (const other of others) assert.equal(replier.ruinous(other), false);
});

rabbitMqTest(
  "a reply that ends connections takes others down twice at most",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue("suspects");
    await using answering = await watched(url);
    await using calling = await watched(url);
    const handler = new Handler();
    const serving = await serveWith(answering.rpc, queue, handler);
    await using _server = serving.server;
    // Where a reply is confirmed in time, and its request's acknowledgement is
    // not, that request is known again by its message id.
    const calls = ["1", "2", "3"].map((body) =>
      calling.rpc.call(queue, body, { retries: 1 })
    );
    await handler.run(3);
    await using stranger = await plainClient(url);
    // What 3.10 and 4.0 can't read ends the connection that it comes by.
    const replyTo = "amq.rabbitmq.reply-to.g1h2.x";
    stranger.send(queue, "ruinous", { replyTo });
    await handler.run(4);
    for (const n of [1, 2, 3, 4]) {
      const run = await handler.run(n);
      run.finish(run.request.text());
    }
    const replies = await Promise.all(calls);
    assert.deepEqual(replies.map((reply) => reply.text()), ["1", "2", "3"]);
    const last = calling.rpc.call(queue, "last", { retries: 1 });
    // Later versions return it, as that of a caller who is gone.
    await serving.events.first(
      "the end of it",
      (event) =>
        event.type === "request_dropped" ||
        event.type === "reply_dropped" && event.why.includes("gone"),
    );
    (await handler.run(5)).finish("answered");
    assert.equal((await last).text(), "answered");
    await serving.server.stop();
    assert.equal(handler.count, 5);
    const lost = answering.events.all.filter(({ type }) => type === "lost");
    assert.ok(lost.length <= 2, `${lost.length} connections were lost`);
    const empty = { queue, messages: 0, consumers: 0 };
    assert.deepEqual(await calling.rpc.inspect(queue), empty);
  },
);
