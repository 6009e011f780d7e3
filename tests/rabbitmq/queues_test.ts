// Queues that are somebody else's, or vanish.

import assert from "node:assert/strict";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { start } from "../support/program.ts";
import { fakeServer } from "../cli/fake_server.ts";
import { awaiting, rawChannel, scene, uniqueQueue } from "../cli/scene.ts";
import { connected } from "./connected.ts";

rabbitMqTest(
  "a queue exclusive to another connection is told as such",
  async () => {
    const { url, queue, client } = await scene();
    await using raw = await rawChannel(url);
    await raw.channel.assertQueue(queue, { exclusive: true });
    const args = ["server", "-u", url, queue, "--builtin", "fib"];
    await using server = await start(args);
    const said = `queue "${queue}" is exclusive to another connection`;
    await server.waitFor(queue, "stderr");
    assert.ok(
      server.stderr().startsWith(`rabbit-rpc: ${said}`),
      server.stderr(),
    );
    assert.equal(server.stdout(), "");
    const { stderr } = await client(["--no-wait", "-t", "1s", "1"]);
    assert.ok(stderr.startsWith(`rabbit-rpc: ${said}`), stderr);
  },
);

rabbitMqTest("a request queue that is deleted is declared again", async () => {
  const { url, queue, serve, client } = await scene();
  await using server = await serve(["--builtin", "fib"]);
  await using raw = await rawChannel(url);
  await raw.channel.deleteQueue(queue);
  await server.waitFor(awaiting(queue), "stdout", { occurrence: 2 });
  const { code, stdout } = await client(["10"]);
  assert.deepEqual([code, stdout], [0, "55"]);
});

rabbitMqTest(
  "a callback queue that is deleted fails its calls at once",
  async () => {
    const { url, ctl } = await sharedRabbitMq();
    const queue = uniqueQueue();
    await using server = await fakeServer(url, queue, (request, server) => {
      if (request.content.toString() === "after") server.answer(request, "ok");
    });
    await using client = await connected(url);
    const call = client.rpc.call(queue, "before");
    const lost = assert.rejects(call, {
      code: "unavailable",
      reason: "connection_lost",
      maybeExecuted: true,
    });
    await server.received(1);
    const { replyTo } = server.requests[0]!.properties;
    await ctl("delete_queue", replyTo);
    await lost;
    assert.equal((await client.rpc.call(queue, "after")).text(), "ok");
    assert.notEqual(server.requests[1]!.properties.replyTo, replyTo);
    // The connection was well all the time.
    assert.deepEqual(client.events, ["connected"]);
  },
);
