// Servers that lose their queue, or a channel, on a connection that stands.

import assert from "node:assert/strict";
import {
  rabbitMqTest,
  sharedRabbitMq,
  startRabbitMq,
} from "../support/rabbitmq.ts";
import {
  eventOf,
  Handler,
  servesOn,
  serveWith,
  uniqueQueue,
  watched,
} from "./watching.ts";

rabbitMqTest(
  "a deleted request queue is declared again, what runs is answered",
  async () => {
    const { url, ctl } = await sharedRabbitMq();
    const queue = uniqueQueue("deleted");
    await using answering = await watched(url);
    const handler = new Handler();
    const serving = await serveWith(answering.rpc, queue, handler);
    await using server = serving.server;
    await using caller = await watched(url);
    const { rpc } = caller;
    const running = rpc.call(queue, "running");
    const run = await handler.run(1);
    await ctl("delete_queue", queue);
    const { error } = await eventOf(serving.events, "interrupted");
    assert.equal(error.reason, "connection_lost");
    await eventOf(serving.events, "consuming", 2);
    run.finish("answered");
    assert.equal((await running).text(), "answered");

    await servesOn(rpc, queue, handler, answering);
    await server.stop();
    assert.deepEqual(await rpc.inspect(queue), {
      queue,
      messages: 0,
      consumers: 0,
    });
  },
);

rabbitMqTest(
  "a queue that is lost again and again leaves no channel behind",
  async () => {
    const { url, ctl } = await sharedRabbitMq();
    const queue = uniqueQueue("channels");
    const name = uniqueQueue("connection");
    await using answering = await watched(url, { name });
    const handler = new Handler();
    const { server, events } = await serveWith(answering.rpc, queue, handler);
    await using _server = server;
    const channels = async () => {
      const columns = ["client_properties", "channels"];
      const table = await ctl("list_connections", ...columns);
      const row = table.split("\n").find((row) => row.includes(name));
      assert.ok(row, table);
      return Number(row.split("\t").at(-1));
    };
    const before = await channels();
    assert.ok(before > 0);
    for (let n = 2; n <= 3; n++) {
      await ctl("delete_queue", queue);
      await eventOf(events, "consuming", n);
    }
    assert.equal(await channels(), before);
  },
);

rabbitMqTest(
  "a reply that closes the publisher's channel is no other call's business",
  async () => {
    const config = "max_message_size = 100000";
    await using broker = await startRabbitMq({ config });
    const { url } = broker;
    const queue = uniqueQueue("publisher");
    await using answering = await watched(url);
    const handler = new Handler();
    const options = { concurrency: 2, prefetch: 2 };
    const serving = await serveWith(answering.rpc, queue, handler, options);
    await using _server = serving.server;
    await using caller = await watched(url);
    const { rpc } = caller;
    const innocent = rpc.call(queue, "innocent");
    const run = await handler.run(1);
    const guilty = rpc.call(queue, "guilty");
    const refused = assert.rejects(guilty, { code: "resource_exhausted" });
    // 406: more than the broker takes, which closes the channel for it.
    (await handler.runOf("guilty")).finish("x".repeat(100_001));
    run.finish("answered");
    assert.equal((await innocent).text(), "answered");
    await refused;
    const next = rpc.call(queue, "next");
    (await handler.runOf("next")).finish("served");
    assert.equal((await next).text(), "served");
    assert.equal(handler.count, 3);
  },
);
