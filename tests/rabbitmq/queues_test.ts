// Queues that are somebody else's, or vanish.

import assert from "node:assert/strict";
import { ownVhost, rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
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
  "a queue that the broker does not declare like that ends a server",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue();
    await using server = await start([
      ...["server", "-u", url, queue, "--builtin", "fib"],
      ...["--queue-type", "quorum", "--queue-arg", "x-max-priority=5"],
    ]);
    const { code, stderr } = await server.result();
    assert.equal(
      stderr,
      `rabbit-rpc: the broker refuses to declare queue "${queue}" like this: ` +
        "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue " +
        `'${queue}' in vhost '/' of queue type rabbit_quorum_queue (406). ` +
        "Check --queue-type, --queue-arg and --dead-letter.\n",
    );
    assert.equal(code, 64);
  },
);

rabbitMqTest(
  "servers that declare one queue differently at once all serve it",
  async () => {
    const { url } = await sharedRabbitMq();
    await using one = await connected(url);
    await using other = await connected(url);
    for (let round = 0; round < 5; round++) {
      const queue = uniqueQueue();
      const servers = [one, other].map(({ rpc }, index) => {
        const declare = { arguments: { "x-max-priority": 1 + index } };
        return rpc.serve(queue, () => "", { declare });
      });
      // Rejects for a server that has ended.
      for (const server of await Promise.all(servers)) await server.stop();
    }
  },
);

rabbitMqTest("a server waits while a limit of queues is reached", {
  slow: true,
}, async () => {
  const vhost = await ownVhost();
  const limit = (count: number) =>
    vhost.ctl("set_vhost_limits", "-p", vhost.vhost, `{"max-queues":${count}}`);
  await limit(0);
  const queue = uniqueQueue();
  const args = ["server", "-u", vhost.url, queue, "--builtin", "fib"];
  await using server = await start(args);
  await server.waitFor("queue limit in vhost", "stderr");
  await limit(-1);
  await server.waitFor(awaiting(queue));
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
