// Tests of src/amqp/reply_queues.ts, on RabbitMQ and on the embedded broker.

import assert from "node:assert/strict";
import { connectSettings } from "../../src/amqp/options.ts";
import { AmqpTransport } from "../../src/amqp/transport.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import { contractTest, unique } from "../broker/support/contract.ts";
import { within } from "../support/within.ts";
import { Client } from "../broker/support/client.ts";

function transportTo(url: string): AmqpTransport {
  return new AmqpTransport(connectSettings(url));
}

contractTest("what a reply queue is, as its declare tells", async (url) => {
  await using stranger = await Client.connect(url);
  const channel = await stranger.channel();
  const [exclusive, shared, missing] = [unique(), unique(), unique()];
  await channel.declareQueue(exclusive, { exclusive: true });
  await channel.declareQueue(shared, { durable: true });
  await using transport = transportTo(url);
  const connection = await transport.connection();
  assert.equal(await connection.checkReplyTo(exclusive), "exclusive");
  assert.equal(await connection.checkReplyTo(shared), "shared");
  assert.equal(await connection.checkReplyTo(missing), "missing");
  // More bytes than any queue's name has.
  assert.equal(await connection.checkReplyTo("\ufffd".repeat(100)), "missing");
  // The bytes 0xff and 0xfe: the broker declares no queue of that name.
  assert.equal(await connection.checkReplyTo("\udcff\udcfe"), "missing");
  await channel.deleteQueue(shared);
});

contractTest("many reply queues at once take few channels", async (url) => {
  await using transport = transportTo(url);
  const connection = await transport.connection();
  const names = Array.from({ length: 3000 }, () => unique());
  const checks = names.map((name) => connection.checkReplyTo(name));
  assert.deepEqual(new Set(await Promise.all(checks)), new Set(["missing"]));
});

contractTest("a check that loses its connection says so", async (url) => {
  const transport = transportTo(url);
  const connection = await transport.connection();
  const checks = Array.from(
    { length: 20 },
    () => connection.checkReplyTo(unique()),
  );
  const outcomes = Promise.allSettled(checks);
  await transport.close();
  for (const outcome of await within("all checks", outcomes)) {
    if (outcome.status === "fulfilled") continue;
    assert.ok(outcome.reason instanceof RpcError);
    assert.equal(outcome.reason.reason, "connection_lost");
  }
  await assert.rejects(connection.checkReplyTo("x"), {
    reason: "connection_lost",
  });
});
