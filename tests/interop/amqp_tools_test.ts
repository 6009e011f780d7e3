// amqp-publish, amqp-consume and amqp-get from amqp-tools against our server.

import assert from "node:assert/strict";
import { amqpTool, amqpToolsMissing } from "../support/peers.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { rawChannel, scene, uniqueQueue } from "../cli/scene.ts";

const needs = [amqpToolsMissing()];

async function tool(...args: [string, ...string[]]): Promise<string> {
  const { code, stdout, stderr } = await amqpTool(args);
  assert.equal(code, 0, stderr);
  return stdout;
}

rabbitMqTest(
  "amqp-publish asks, amqp-consume reads the reply",
  { needs },
  async () => {
    const { url, queue, serve } = await scene();
    const flags = ["--reply-to", "test-*"];
    await using server = await serve(["--builtin", "fib", ...flags]);
    const replies = uniqueQueue();
    const at = ["--url", url];
    await tool("amqp-declare-queue", ...at, "--queue", replies, "-d");
    const asks = [...at, "-r", queue, "--reply-to", replies];
    await tool("amqp-publish", ...asks, "-b", "30");
    const one = ["--queue", replies, "--count", "1", "cat"];
    assert.equal(await tool("amqp-consume", ...at, ...one), "832040");
    await tool("amqp-publish", ...asks, "-b", "abc");
    const problem = JSON.parse(await tool("amqp-consume", ...at, ...one));
    assert.deepEqual(problem, {
      code: "invalid_argument",
      title: "Invalid argument",
      detail: 'fib wants a whole number from 0 to 78, got "abc"',
    });
    await tool("amqp-delete-queue", ...at, "--queue", replies);
    assert.equal(server.stderr(), "");
  },
);

rabbitMqTest("amqp-get finds the reply", { needs }, async () => {
  const { url, queue, serve } = await scene();
  const flags = ["--reply-to", "test-*"];
  await using _server = await serve(["--builtin", "message", ...flags]);
  await using raw = await rawChannel(url);
  const replies = uniqueQueue();
  await raw.channel.assertQueue(replies, { durable: false });
  const asks = ["--url", url, "-r", queue, "--reply-to", replies];
  await tool("amqp-publish", ...asks, "-b", "hello");
  await waitUntil("the reply", async () => {
    return (await raw.channel.checkQueue(replies)).messageCount === 1;
  }, 10_000);
  assert.equal(
    await tool("amqp-get", "--url", url, "--queue", replies),
    "Got a message from the client: hello",
  );
  await raw.channel.deleteQueue(replies);
});

rabbitMqTest(
  "amqp-publish without reply_to is run and acknowledged",
  { needs },
  async () => {
    const { url, queue, client, serve } = await scene();
    await using server = await serve(["--builtin", "fib", "--prefetch", "1"]);
    for (const body of ["11", "abc", "12"]) {
      await tool("amqp-publish", "--url", url, "-r", queue, "-b", body);
    }
    await server.waitFor(" [.] fib(12)");
    const { code, stdout } = await client(["10"]);
    assert.deepEqual([code, stdout], [0, "55"]);
    // The reply may be here before its confirm is with the server.
    const { ctl } = await sharedRabbitMq();
    await waitUntil("the acknowledgement", async () => {
      const counts = await ctl("list_queues", "name", "messages");
      return counts.includes(`${queue}\t0`);
    }, 20_000);
    server.kill("SIGTERM");
    const stopped = await server.result();
    assert.match(
      stopped.stderr,
      /^rabbit-rpc: stopping; 0 requests in flight\n$/,
    );
    assert.equal(stopped.code, 0);
    // Nothing comes back from a server that is gone.
    await using raw = await rawChannel(url);
    assert.equal((await raw.channel.checkQueue(queue)).messageCount, 0);
  },
);

rabbitMqTest(
  "a reply_to that does not exist breaks nothing",
  { needs },
  async () => {
    const { url, queue, client, serve } = await scene();
    await using server = await serve(["--builtin", "fib", "-v"]);
    const asks = ["--url", url, "-r", queue, "--reply-to", uniqueQueue()];
    await tool("amqp-publish", ...asks, "-b", "5");
    await server.waitFor(/^rabbit-rpc: request .*dropped/, "stderr");
    const { code, stdout } = await client(["10"]);
    assert.deepEqual([code, stdout], [0, "55"]);
  },
);

rabbitMqTest(
  "a reply_to that is the request queue is not answered",
  { needs },
  async () => {
    const { url, queue, client, serve } = await scene();
    await using server = await serve(["--builtin", "echo"]);
    const asks = ["--url", url, "-r", queue, "--reply-to", queue];
    await tool("amqp-publish", ...asks, "-b", "again and again");
    await server.waitFor(/^rabbit-rpc: requests with .*refused/, "stderr");
    const { code, stdout } = await client(["x"]);
    assert.deepEqual([code, stdout], [0, "x"]);
    await server.waitFor(/^ \[\.\] /);
    assert.equal(server.stdout().match(/^ \[\.\] /gm)!.length, 1);
  },
);
