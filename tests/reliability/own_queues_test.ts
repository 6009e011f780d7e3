// Queues that the broker names for one of ours: none outlives its use while the
// connection goes on.

import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/transport.ts";
import { connectSettings } from "../../src/amqp/options.ts";
import { RpcClient } from "../../src/rpc/calling/client.ts";
import { RpcServer } from "../../src/rpc/serving/server.ts";
import {
  type OwnVhost,
  ownVhost,
  rabbitMqTest,
  sharedRabbitMq,
} from "../support/rabbitmq.ts";
import {
  eventOf,
  failureOf,
  Handler,
  serveWith,
  uniqueQueue,
  watched,
} from "./watching.ts";

const CYCLES = 20;
const ABORTS = 50;

/** The queues of a virtual host that nobody else uses. */
async function queuesOf({ ctl, vhost }: OwnVhost): Promise<string[]> {
  const flags = ["--vhost", vhost, "--no-table-headers"];
  const names = await ctl("list_queues", ...flags, "name");
  return names.split("\n").filter(Boolean).sort();
}

rabbitMqTest(
  "servers that come and go leave no queue, nor what callers canceled",
  async () => {
    const rabbitMq = await ownVhost();
    await using serving = await watched(rabbitMq.url);
    await using calling = await watched(rabbitMq.url);
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const server = await serving.rpc.serve("q", () => "done");
      assert.equal((await calling.rpc.call("q", "")).text(), "done");
      await server.stop();
    }
    const handler = new Handler();
    await using _server = await serving.rpc.serve("q", handler.procedure);
    for (let n = 1; n <= ABORTS; n++) {
      const canceling = new AbortController();
      const { signal } = canceling;
      const call = calling.rpc.call("q", "for ever", { signal });
      const { context } = await handler.run(n);
      canceling.abort();
      await failureOf(call);
      if (!context.signal.aborted) {
        await new Promise((resolve) => context.signal.onabort = resolve);
      }
    }
    const [callback, cancels, ...others] = await queuesOf(rabbitMq);
    assert.match(`${callback} ${cancels}`, /^amq\.gen-\S+ amq\.gen-\S+$/);
    assert.deepEqual(others, ["q"]);
    assert.equal(serving.events.all.length, 1, "one connection all along");
  },
);

rabbitMqTest(
  "a server that is interrupted again and again leaves no queue",
  async () => {
    const rabbitMq = await ownVhost();
    await using serving = await watched(rabbitMq.url);
    const handler = new Handler();
    const { server, events } = await serveWith(serving.rpc, "q", handler);
    await using _server = server;
    for (let n = 1; n <= 3; n++) {
      await rabbitMq.ctl("delete_queue", "--vhost", rabbitMq.vhost, "q");
      const { error } = await eventOf(events, "interrupted", n);
      assert.match(error.message, /: queue "q" was deleted, or /);
      await eventOf(events, "consuming", n + 1);
    }
    const [cancels, ...others] = await queuesOf(rabbitMq);
    assert.match(cancels!, /^amq\.gen-/);
    assert.deepEqual(others, ["q"]);
    assert.equal(serving.events.all.length, 1, "one connection all along");
  },
);

rabbitMqTest(
  "a server whose queue for cancels is deleted listens again",
  async () => {
    const rabbitMq = await ownVhost();
    await using serving = await watched(rabbitMq.url);
    await using calling = await watched(rabbitMq.url);
    const handler = new Handler();
    const { server, events } = await serveWith(serving.rpc, "q", handler);
    await using _server = server;
    const [cancels] = await queuesOf(rabbitMq);
    await rabbitMq.ctl("delete_queue", "--vhost", rabbitMq.vhost, cancels!);
    await eventOf(events, "consuming", 2);
    const canceling = new AbortController();
    const { signal } = canceling;
    const call = calling.rpc.call("q", "for ever", { signal });
    const { context } = await handler.run(1);
    canceling.abort();
    await failureOf(call);
    if (!context.signal.aborted) {
      await new Promise((resolve) => context.signal.onabort = resolve);
    }
  },
);

rabbitMqTest(
  "what is opened half-way, for want of a permission, leaves no queue",
  async () => {
    const rabbitMq = await ownVhost();
    const user = `bob-${crypto.randomUUID()}`;
    await rabbitMq.ctl("add_user", user, "secret");
    // To declare, but not to consume what the broker names.
    const rights = [".*", ".*", "^q$"];
    const { vhost } = rabbitMq;
    await rabbitMq.ctl("set_permissions", "--vhost", vhost, user, ...rights);
    const url = rabbitMq.url.replace("guest:guest", `${user}:secret`);
    await using transport = new AmqpTransport(connectSettings(url));
    await using client = new RpcClient(transport);
    for (let n = 0; n < 3; n++) {
      const error = await failureOf(client.call("q", ""));
      assert.equal(error.reason, "refused");
    }
    await using server = new RpcServer(transport, "q", () => "done");
    await server.ready;
    assert.deepEqual(await queuesOf(rabbitMq), ["q"]);
  },
);

rabbitMqTest("a client that is closed leaves no queue", async () => {
  const { url, ctl } = await sharedRabbitMq();
  const queue = uniqueQueue("own");
  await using transport = new AmqpTransport(connectSettings(url));
  await using server = new RpcServer(transport, queue, () => "done");
  await server.ready;
  const client = new RpcClient(transport);
  let replyTo = "";
  await using _asking = new RpcServer(
    transport,
    `${queue}-asking`,
    (request) => replyTo = request.replyTo ?? "",
  );
  await client.call(`${queue}-asking`, "", { wait: true });
  assert.match(replyTo, /^amq\.gen-/);
  await client.close();
  const names = await ctl("list_queues", "--no-table-headers", "name");
  assert.ok(!names.split("\n").includes(replyTo), names);
});
