// Queues that others declared, with arguments of their own: taken as they are.

import assert from "node:assert/strict";
import type { Options } from "amqplib";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { rawChannel, scene } from "../cli/scene.ts";

const DECLARED: [string, Options.AssertQueue][] = [
  ["transient", { durable: false }],
  ["auto-deleted", { durable: false, autoDelete: true }],
  ["limited in length", { durable: true, maxLength: 1000 }],
  ["quorum", { durable: true, arguments: { "x-queue-type": "quorum" } }],
];

for (const [kind, options] of DECLARED) {
  rabbitMqTest(`a queue that is ${kind} is served as it is`, async () => {
    const { url, queue, client, serve } = await scene();
    await using raw = await rawChannel(url);
    await raw.channel.assertQueue(queue, options);
    await using server = await serve(["--builtin", "fib"]);
    const { code, stdout, stderr } = await client(["20"]);
    assert.deepEqual([code, stdout, stderr], [0, "6765", ""]);
    // It would be closed with 406 had it been declared otherwise.
    await raw.channel.assertQueue(queue, options);
    assert.equal(server.stderr(), "");
  });
}

rabbitMqTest("a queue that nobody declared is durable", async () => {
  const { url, queue, serve } = await scene();
  await using _server = await serve(["--builtin", "fib"]);
  await using raw = await rawChannel(url);
  const { consumerCount } = await raw.channel.assertQueue(queue, {
    durable: true,
  });
  assert.equal(consumerCount, 1);
});
