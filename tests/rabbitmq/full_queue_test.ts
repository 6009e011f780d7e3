// Requests to a queue that is full and refuses more of them, or is gone.

import assert from "node:assert/strict";
import amqplib, { type Channel } from "amqplib";
import { Buffer } from "node:buffer";
import type { RpcConnection, RpcError } from "../../src/mod.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { connected } from "./connected.ts";

/** Does something by another library. */
async function byOthers(
  url: string,
  action: (channel: Channel) => Promise<unknown>,
): Promise<void> {
  const connection = await amqplib.connect(url, { noDelay: true });
  await action(await connection.createChannel());
  await connection.close();
}

/** A queue that takes one message and refuses others. */
async function smallQueue(url: string): Promise<string> {
  const queue = `test-${crypto.randomUUID()}`;
  await byOthers(url, (channel) =>
    channel.assertQueue(queue, {
      durable: true,
      arguments: { "x-max-length": 1, "x-overflow": "reject-publish" },
    }));
  return queue;
}

async function fill(url: string, queue: string): Promise<void> {
  await byOthers(url, async (channel) => {
    channel.sendToQueue(queue, Buffer.from("nobody's"));
    await channel.checkQueue(queue);
  });
}

/** Its server has answered this caller's calls, and is gone. */
async function answeredQueue(url: string, rpc: RpcConnection): Promise<string> {
  const queue = await smallQueue(url);
  await using server = await connected(url);
  await server.rpc.serve(queue, () => "fine");
  for (const n of [1, 2, 3]) {
    assert.equal((await rpc.call(queue, "")).text(), "fine", `${n}`);
  }
  return queue;
}

async function failureOf(call: Promise<unknown>): Promise<RpcError> {
  return await call.then(() => assert.fail("answered"), (error) => error);
}

rabbitMqTest(
  "a call to a full queue that never answered fails at once",
  async () => {
    const { url } = await sharedRabbitMq();
    await using caller = await connected(url);
    const queue = await smallQueue(url);
    await fill(url, queue);
    const error = await failureOf(caller.rpc.call(queue, ""));
    assert.deepEqual([error.reason, error.maybeExecuted], ["rejected", false]);
  },
);

rabbitMqTest(
  "a queue that answered and is full now: the first call waits, others don't",
  async () => {
    const { url } = await sharedRabbitMq();
    await using caller = await connected(url);
    const queue = await answeredQueue(url, caller.rpc);
    await fill(url, queue);
    const asked = await failureOf(
      caller.rpc.call(queue, "", { timeoutMs: 300 }),
    );
    assert.equal(asked.reason, "no_consumer");
    for (const n of [1, 2]) {
      const { reason } = await failureOf(caller.rpc.call(queue, ""));
      assert.equal(reason, "rejected", `${n}`);
    }
  },
);

rabbitMqTest(
  "a confirm that is asked for tells of a full queue at once",
  async () => {
    const { url } = await sharedRabbitMq();
    await using caller = await connected(url);
    const queue = await answeredQueue(url, caller.rpc);
    await fill(url, queue);
    for (const options of [{ confirm: true }, {}]) {
      const { reason } = await failureOf(caller.rpc.call(queue, "", options));
      assert.equal(reason, "rejected");
    }
  },
);

rabbitMqTest(
  "a queue that answered and is gone fails calls at once",
  async () => {
    const { url } = await sharedRabbitMq();
    await using caller = await connected(url);
    const queue = await answeredQueue(url, caller.rpc);
    await byOthers(url, (channel) => channel.deleteQueue(queue));
    const { reason } = await failureOf(caller.rpc.call(queue, ""));
    assert.equal(reason, "no_queue");
  },
);
