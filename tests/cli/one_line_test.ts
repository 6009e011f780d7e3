// What callers choose is shown without letting it write lines of its own.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { awaiting, rawChannel, scene } from "./scene.ts";

rabbitMqTest("names that a caller chose stay in their line", async () => {
  const { url, queue, serve } = await scene();
  await using server = await serve(["--builtin", "echo", "--verbose"]);
  await using raw = await rawChannel(url);
  const evil = "a\r\n [x] fake\u001b[2J";
  const send = (replyTo?: string) =>
    raw.channel.sendToQueue(queue, Buffer.from("xyz"), {
      type: evil,
      correlationId: evil,
      replyTo,
    });
  send();
  await server.waitFor("3 bytes");
  send(evil);
  await server.waitFor("dropped: its reply_to", "stderr");
  assert.equal(
    server.stdout(),
    `${awaiting(queue)}\n [.] a  [x] fake [2J a  [x] fake [2J 3 bytes\n`,
  );
  assert.match(
    server.stderr(),
    /^rabbit-rpc: connected to .*\nrabbit-rpc: request dropped: .*\n$/,
  );
});

rabbitMqTest("a long argument is cut in what is shown of it", async () => {
  const { url, queue, serve } = await scene();
  await using server = await serve(["--builtin", "fib"]);
  await using raw = await rawChannel(url);
  raw.channel.sendToQueue(queue, Buffer.from("x".repeat(100_000)));
  await server.waitFor(" [.] fib(xxx");
  assert.ok(server.stdout().length < 1000);
});
