// Requests that come again, on RabbitMQ: answered again or joined, or run as
// another call.

import assert from "node:assert/strict";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { plainClient } from "./plain_server.ts";
import { Handler, serveWith, uniqueQueue, watched } from "./watching.ts";

/** A server, and a client that can send what ours never would. */
async function scene(name: string) {
  const stack = new AsyncDisposableStack();
  const { url } = await sharedRabbitMq();
  const queue = uniqueQueue(name);
  const { rpc } = stack.use(await watched(url));
  const handler = new Handler();
  const { server } = await serveWith(rpc, queue, handler);
  stack.use(server);
  const client = stack.use(await plainClient(url));
  let sent = 0;
  return {
    handler,
    /** Sends a request under a correlation id that counts from "1". */
    send: (body: string, parts: { type?: string; marked?: boolean } = {}) => {
      const { type, marked = true } = parts;
      client.send(queue, body, {
        messageId: "the same",
        correlationId: `${++sent}`,
        ...(type === undefined ? {} : { type }),
        ...(marked ? { headers: { "rpc-deadline": Date.now() + 60_000 } } : {}),
      });
    },
    /** The text of the reply to that correlation id. */
    reply: async (id: string) => {
      const { content } = await client.replies.first(
        `reply to ${id}`,
        ({ properties }) => properties.correlationId === id,
      );
      return content.toString();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

rabbitMqTest(
  "a repeated message id gets the stored reply, or joins what runs",
  async () => {
    await using setting = await scene("repeated");
    const { handler, send, reply } = setting;
    send("30");
    send("30");
    const run = await handler.run();
    // Another call that has come after the second: that one was joined by then.
    send("other");
    (await handler.run(2)).finish("other");
    assert.equal(await reply("3"), "other");
    run.finish("832040");
    assert.equal(await reply("1"), "832040");
    assert.equal(await reply("2"), "832040");
    send("30");
    assert.equal(await reply("4"), "832040");
    assert.equal(handler.count, 2);
  },
);

rabbitMqTest(
  "another body or type under the same message id is another call",
  async () => {
    await using setting = await scene("others");
    const { handler, send, reply } = setting;
    send("30");
    send("31");
    send("30", { type: "fast" });
    for (const n of [1, 2, 3]) {
      const { request, finish } = await handler.run(n);
      finish(`${request.type}(${request.text()})`);
    }
    const replies = await Promise.all(["1", "2", "3"].map(reply));
    assert.deepEqual(replies, ["(30)", "(31)", "fast(30)"]);
  },
);

rabbitMqTest("message ids of other clients need not be unique", async () => {
  await using setting = await scene("foreign");
  const { handler, send, reply } = setting;
  // The first two run at once, the third one after them.
  for (const n of [1, 2]) {
    send("30", { marked: false });
    await handler.run(n);
  }
  (await handler.run(1)).finish("first");
  (await handler.run(2)).finish("second");
  assert.equal(await reply("1"), "first");
  assert.equal(await reply("2"), "second");
  send("30", { marked: false });
  (await handler.run(3)).finish("third");
  assert.equal(await reply("3"), "third");
});
