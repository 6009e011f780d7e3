// What is copied from a request to its reply is copied as bytes, and integers of
// 64 bits stay what they are: on RabbitMQ and on the embedded broker.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "../../src/amqp/connect.ts";
import { readProperties } from "../../src/amqp091/properties.ts";
import { Reader } from "../../src/amqp091/reader.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import { contractTest, unique } from "../broker/support/contract.ts";
import { Client } from "../broker/support/client.ts";
import type { TestChannel } from "../broker/support/channel.ts";

/** A short string of AMQP, of bytes that are no UTF-8. */
const STRANGE_ID = "id-\xff\xfe\x80-\xc3";
const BEYOND_2_53 = 2n ** 53n + 1n;

/** An exclusive queue, consumed. */
async function callbackQueue(channel: TestChannel): Promise<string> {
  const { queue } = await channel.declareQueue("", { exclusive: true });
  await channel.consume(queue, { noAck: true });
  return queue;
}

/** A channel that gets what is sent to a queue of its own. */
async function consuming(client: Client, queue: string) {
  const channel = await client.channel();
  await channel.declareQueue(queue, { exclusive: true });
  await channel.consume(queue, { noAck: true });
  return channel;
}

contractTest("a reply has the correlation id of its request", async (url) => {
  const queue = unique();
  await using rpc = await connect(url);
  await using server = await rpc.serve(queue, (request) => {
    if (request.text() === "bad") throw new RpcError("not_found", "no");
    return String(request.correlationId!.isWellFormed());
  });
  await using stranger = await Client.connect(url);
  const channel = await stranger.channel();
  const replyTo = await callbackQueue(channel);
  for (const [body, reply] of [["good", /^false$/], ["bad", /not_found/]]) {
    const properties = { replyTo, correlationId: STRANGE_ID };
    await channel.publish("", queue, body as string, { properties });
    const { text, properties: bytes } = await channel.next("basic.deliver");
    assert.match(text, reply as RegExp);
    const idBytes = Buffer.from(STRANGE_ID, "latin1");
    assert.ok(
      Buffer.from(bytes).includes(idBytes),
      Buffer.from(bytes).toString("hex"),
    );
  }
  await server.stop();
});

contractTest("a caller can choose such ids, to the byte", async (url) => {
  const queue = unique();
  await using stranger = await Client.connect(url);
  const channel = await consuming(stranger, queue);
  await using rpc = await connect(url);
  const call = rpc.call(queue, "", { type: "a\udcff" });
  call.catch(() => {});
  const { properties } = await channel.next("basic.deliver");
  assert.ok(Buffer.from(properties).includes(Buffer.of(2, 0x61, 0xff)));
});

contractTest("integers of 64 bits are exact, both ways", async (url) => {
  const queue = unique();
  await using rpc = await connect(url);
  await using server = await rpc.serve(queue, ({ headers }) => {
    const { big, small } = headers;
    return { body: `${typeof big} ${big} ${typeof small}`, headers: { big } };
  });
  const headers = { big: BEYOND_2_53, small: 5n };
  const reply = await rpc.call(queue, "", { headers });
  assert.equal(reply.text(), `bigint ${BEYOND_2_53} number`);
  assert.equal(reply.headers.big, BEYOND_2_53);
  await server.stop();
});

contractTest("a bigint goes out as an integer of 64 bits", async (url) => {
  const queue = unique();
  await using stranger = await Client.connect(url);
  const channel = await consuming(stranger, queue);
  await using rpc = await connect(url);
  rpc.call(queue, "", { headers: { n: 5n } }).catch(() => {});
  const { properties } = await channel.next("basic.deliver");
  const field = Buffer.of(1, 0x6e, 0x6c, 0, 0, 0, 0, 0, 0, 0, 5);
  assert.ok(Buffer.from(properties).includes(field));
  assert.equal(readProperties(new Reader(properties)).headers!.n, 5);
});
