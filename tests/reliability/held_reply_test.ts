// Replies that are finished while the server's connection is away, and what
// becomes of the requests that are delivered again.

import assert from "node:assert/strict";
import { startProxy } from "../support/proxy.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { plainClient } from "./plain_server.ts";
import {
  eventOf,
  Handler,
  serveWith,
  uniqueQueue,
  watched,
} from "./watching.ts";

/** A server behind a proxy, and a caller that is connected directly. */
async function scene(name: string) {
  const stack = new AsyncDisposableStack();
  const { url, port } = await sharedRabbitMq();
  const queue = uniqueQueue(name);
  const proxy = stack.use(await startProxy(port));
  const { rpc: answering } = stack.use(await watched(proxy.url(url)));
  const handler = new Handler();
  const { server, events } = await serveWith(answering, queue, handler);
  stack.use(server);
  const { rpc } = stack.use(await watched(url));
  return {
    url,
    queue,
    proxy,
    handler,
    server,
    events,
    rpc,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

rabbitMqTest(
  "finished while the connection is away: held, published on the next, run once",
  async () => {
    await using setting = await scene("held");
    const { rpc, queue, proxy, handler, events } = setting;
    const call = rpc.call(queue, "30");
    const run = await handler.run();
    await proxy.refuse(true);
    proxy.cut();
    await eventOf(events, "interrupted");
    run.finish("832040");
    await eventOf(events, "reply_held");
    await proxy.refuse(false);
    assert.equal((await call).text(), "832040");
    await ranOnce(setting);
  },
);

rabbitMqTest(
  "finished before the loss was noticed: held as well, run once",
  async () => {
    await using setting = await scene("unnoticed");
    const { rpc, queue, proxy, handler, events } = setting;
    const call = rpc.call(queue, "30");
    const run = await handler.run();
    // What the server writes from now on does not arrive.
    proxy.stall("up");
    run.finish("832040");
    await eventOf(events, "answered");
    proxy.cut();
    await eventOf(events, "reply_held");
    proxy.resume();
    assert.equal((await call).text(), "832040");
    await ranOnce(setting);
  },
);

rabbitMqTest(
  "still running when there is a connection again: joined, run once",
  async () => {
    await using setting = await scene("joined");
    const { rpc, queue, proxy, handler, events } = setting;
    const call = rpc.call(queue, "30", { retries: 1 });
    const run = await handler.run();
    proxy.cut();
    await eventOf(events, "consuming", 2);
    run.finish("832040");
    assert.equal((await call).text(), "832040");
    await ranOnce(setting);
  },
);

rabbitMqTest(
  "a foreign client's request joins its run as well, and is answered once",
  async () => {
    await using setting = await scene("foreign");
    const { url, queue, proxy, handler, events } = setting;
    await using client = await plainClient(url);
    client.send(queue, "30", { correlationId: "1" });
    const run = await handler.run(1);
    proxy.cut();
    await eventOf(events, "repeated");
    run.finish("832040");
    const reply = await client.replies.first("reply");
    assert.equal(reply.content.toString(), "832040");
    await ranOnce(setting);
    assert.equal(client.replies.all.length, 1);
  },
);

rabbitMqTest(
  "a procedure that blocks for longer than the heartbeat answers all the same",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue("blocking");
    await using answering = await watched(url, { heartbeatMs: 1_000 });
    let runs = 0;
    const procedure = () => {
      if (++runs > 1) return "run again";
      blockUntilLost();
      return "832040";
    };
    const serving = await serveWith(answering.rpc, queue, { procedure });
    await using server = serving.server;
    await using client = await plainClient(url);
    client.send(queue, "30", { correlationId: "1" });
    const reply = await client.replies.first("reply");
    assert.equal(reply.content.toString(), "832040");
    await eventOf(serving.events, "repeated");
    await server.stop();
    assert.equal(runs, 1);
    await using other = await watched(url);
    const empty = { queue, messages: 0, consumers: 0 };
    assert.deepEqual(await other.rpc.inspect(queue), empty);
  },
);

/** For longer than a broker waits for heartbeats of one second. */
function blockUntilLost(): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, 5_000);
}

/** One run was all, and nothing is left in the queue. */
async function ranOnce(
  { rpc, queue, handler, server }: Awaited<ReturnType<typeof scene>>,
): Promise<void> {
  // Deliveries come in order: whatever was delivered again came before this.
  const last = rpc.call(queue, "last");
  const run = await handler.run(2);
  assert.equal(run.request.text(), "last");
  run.finish("answered");
  assert.equal((await last).text(), "answered");
  await server.stop();
  assert.equal(handler.count, 2);
  const empty = { queue, messages: 0, consumers: 0 };
  assert.deepEqual(await rpc.inspect(queue), empty);
}
