// Requests that end whatever server runs them, on quorum queues; and queues
// that are declared, or waited for.

import assert from "node:assert/strict";
import amqplib, { type ConfirmChannel } from "amqplib";
import { type Running, startProcess } from "../support/process.ts";
import { start } from "../support/program.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import { close } from "./plain_server.ts";
import { failureOf, uniqueQueue, watched } from "./watching.ts";

const SCRIPT = `${import.meta.dirname}/self_destroying_server.ts`;

/** A connection of another library's, to look at what the broker holds. */
async function inspecting(url: string) {
  const connection = await amqplib.connect(url);
  const channel = await connection.createConfirmChannel();
  return { channel, [Symbol.asyncDispose]: () => close(connection) };
}

/** An exchange for dead letters, with a queue of the same name behind it. */
async function deadLetters(channel: ConfirmChannel): Promise<string> {
  const name = uniqueQueue("dead");
  await channel.assertExchange(name, "fanout");
  await channel.assertQueue(name, { durable: true });
  await channel.bindQueue(name, name, "");
  return name;
}

function startSelfDestroying(...args: string[]): Running {
  const flags = ["--quiet", "--no-check", "-A"];
  return startProcess(Deno.execPath(), ["run", ...flags, SCRIPT, ...args]);
}

rabbitMqTest(
  "a request that ends its servers is answered, and dead-lettered",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue("poison");
    await using inspection = await inspecting(url);
    const { channel } = inspection;
    const dead = await deadLetters(channel);
    const serve = () => startSelfDestroying(url, queue, dead);
    await using caller = await watched(url);
    const { rpc } = caller;

    let server = serve();
    try {
      const failure = failureOf(
        // Three programs are started meanwhile.
        rpc.call(queue, "die", { wait: true, timeoutMs: 55_000 }),
      );
      // Once, and once more, since one redelivery is allowed.
      for (const _ of ["first", "again"]) {
        const end = await Promise.race([server.result(), failure]);
        if (end instanceof Error) throw end;
        assert.equal(end.code, 7, end.stderr);
        await server[Symbol.asyncDispose]();
        server = serve();
      }
      const error = await failure;
      assert.equal(error.code, "aborted");
      assert.equal(error.remote, true);

      const letter = await waitUntil(
        "dead letter",
        () => channel.get(dead, { noAck: true }),
        10_000,
      );
      assert.equal(letter.content.toString(), "die");
      // It lives, and has nothing in hand.
      const { consumers, messages } = (await rpc.inspect(queue))!;
      assert.deepEqual([consumers, messages], [1, 0]);
      const [death] = letter.properties.headers!["x-death"]!;
      assert.deepEqual([death.queue, death.reason], [queue, "rejected"]);
    } finally {
      await server[Symbol.asyncDispose]();
    }
    const { messageCount } = await channel.checkQueue(queue);
    assert.equal(messageCount, 0);
  },
);

rabbitMqTest(
  "--queue-type, --max-deliveries and --dead-letter make the queue",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue("quorum");
    await using inspection = await inspecting(url);
    const { channel } = inspection;
    const dead = await deadLetters(channel);
    const flags = ["--queue-type", "quorum", "--dead-letter", dead];
    await using server = await start([
      "server",
      queue,
      "--builtin",
      "echo",
      "--max-deliveries",
      "3",
      ...flags,
      "--url",
      url,
    ]);
    await server.waitFor("Awaiting RPC requests");
    // The broker refuses other arguments than those it was declared with.
    await channel.assertQueue(queue, {
      durable: true,
      arguments: {
        "x-queue-type": "quorum",
        "x-delivery-limit": 12,
        "x-dead-letter-exchange": dead,
      },
    });
    await using caller = await watched(url);
    const reply = await caller.rpc.call(queue, "30", { retries: 1 });
    assert.equal(reply.text(), "30");
  },
);

rabbitMqTest(
  "--declare passive waits for the queue, and takes it as it is",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = uniqueQueue("passive");
    await using server = await start([
      "server",
      queue,
      "--builtin",
      "echo",
      "--declare",
      "passive",
      "--url",
      url,
    ]);
    await server.waitFor("there is no queue", "stderr");
    await using inspection = await inspecting(url);
    const { channel } = inspection;
    const autoDelete = { durable: false, autoDelete: true };
    await channel.assertQueue(queue, autoDelete);
    await server.waitFor("Awaiting RPC requests");
    await using caller = await watched(url);
    assert.equal((await caller.rpc.call(queue, "30")).text(), "30");
  },
);
