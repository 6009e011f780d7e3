// Calls that hear nothing on a healthy connection: a queue was deleted under
// them, the request's or their own.

import assert from "node:assert/strict";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { plainServer } from "./plain_server.ts";
import {
  eventOf,
  failureOf,
  Handler,
  serveWith,
  uniqueQueue,
  watched,
} from "./watching.ts";

rabbitMqTest(
  "a request that vanished with its queue is sent again after silence",
  async () => {
    const { url, ctl } = await sharedRabbitMq();
    const queue = uniqueQueue("vanished");
    await using answering = await watched(url);
    const handler = new Handler();
    const options = { concurrency: 1, prefetch: 1 };
    const serving = await serveWith(answering.rpc, queue, handler, options);
    await using _server = serving.server;
    await using caller = await watched(url);
    const { rpc } = caller;
    const busy = rpc.call(queue, "busy");
    const run = await handler.run();
    const attemptTimeoutMs = 500;
    // It waits in the queue, since the only place is taken.
    const call = rpc.call(queue, "30", {
      retries: 50,
      wait: true,
      attemptTimeoutMs,
    });
    await ctl("delete_queue", queue);
    await eventOf(serving.events, "consuming", 2);
    run.finish("done");
    assert.equal((await busy).text(), "done");
    (await handler.run(2)).finish("832040");
    assert.equal((await call).text(), "832040");
    assert.equal(rpc.stats.inFlight, 0);
  },
);

rabbitMqTest("the first reply to any attempt ends the call", async () => {
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue("attempts");
  await using server = await plainServer(url, queue);
  await using caller = await watched(url);
  const { rpc } = caller;
  const options = { retries: 1, attemptTimeoutMs: 100 };
  const call = rpc.call(queue, "30", options);
  const first = await server.request(1);
  const second = await server.request(2);
  assert.equal(second.properties.messageId, first.properties.messageId);
  assert.notEqual(
    second.properties.correlationId,
    first.properties.correlationId,
  );
  server.reply(first, "from the first");
  assert.equal((await call).text(), "from the first");
  assert.equal(rpc.stats.inFlight, 0);

  server.reply(second, "from the second");
  // Replies come in order: after this one, that one has come.
  const next = rpc.call(queue, "next");
  server.reply(await server.request(3), "to the next");
  assert.equal((await next).text(), "to the next");
  assert.equal(rpc.stats.unknownReplies, 1);
});

rabbitMqTest(
  "a callback queue that is deleted is noticed, and another declared",
  async () => {
    const { url, ctl } = await sharedRabbitMq();
    const queue = uniqueQueue("callback");
    await using server = await plainServer(url, queue);
    await using caller = await watched(url);
    const { rpc, events } = caller;
    const plain = rpc.call(queue, "plain");
    const retried = rpc.call(queue, "retried", { retries: 1 });
    // Awaited below; it fails before that.
    plain.catch(() => undefined);
    const first = (await server.request(2)).properties;
    await ctl("delete_queue", first.replyTo);

    const error = await failureOf(plain);
    assert.equal(error.reason, "connection_lost");
    assert.equal(error.maybeExecuted, true);
    const again = await server.request(3);
    assert.equal(again.content.toString(), "retried");
    assert.equal(again.properties.messageId, first.messageId);
    assert.notEqual(again.properties.replyTo, first.replyTo);
    server.reply(again, "at last");
    assert.equal((await retried).text(), "at last");
    assert.equal(rpc.stats.inFlight, 0);
    // The connection was sound all the time.
    assert.deepEqual(events.all.map(({ type }) => type), ["connected"]);
  },
);
