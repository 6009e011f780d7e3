// How connections come and go, and what they refuse.

import { deepEqual, equal, ok } from "node:assert/strict";
import { toBytes } from "../../../src/amqp091/reader.ts";
import { startBroker } from "../../../src/broker/broker.ts";
import { slowTest, test } from "../../support/needs.ts";
import { Client } from "../support/client.ts";
import { memoryInUse } from "../support/memory.ts";
import { args } from "../support/properties.ts";

const MB = 1024 * 1024;

slowTest("ten thousand connections come and go", async () => {
  await using broker = await startBroker();
  await using witness = await Client.connect(broker.url);
  const channel = await witness.channel();
  const before = memoryInUse();
  const visit = async (i: number) => {
    const client = i % 4 === 0
      ? await Client.dial(broker.url)
      : await Client.connect(broker.url);
    if (i % 4 === 2) {
      await (await client.channel()).declareQueue("", { exclusive: true });
    }
    if (i % 4 === 3) await client.close();
    await client[Symbol.asyncDispose]();
  };
  const visits = 10_000;
  let next = 0;
  const visitor = async () => {
    while (next < visits) await visit(next++);
  };
  await Promise.all(Array.from({ length: 16 }, visitor));
  equal(next, visits);
  await channel.declareQueue("", { exclusive: true });
  const more = (memoryInUse() - before) / MB;
  ok(more < 200, `${more} MB more than before`);
});

test("a client that never says anything is dropped", async () => {
  await using broker = await startBroker({ handshakeTimeoutMs: 100 });
  await using client = await Client.dial(broker.url);
  await client.ended();
});

test("a message that is too large is refused with 406", async () => {
  await using broker = await startBroker({ maxMessageSize: 1000 });
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.publish("", "q", new Uint8Array(1001));
  equal(
    await channel.refused(),
    "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000",
  );
  const again = await client.channel();
  await again.declareQueue("q", { exclusive: true });
  await again.publish("", "q", new Uint8Array(1000));
  equal((await again.get("q"))?.body.length, 1000);
});

test("unknown methods are refused with 540, surplus octets with 502", async () => {
  await using broker = await startBroker();
  for (
    const [payload, code] of [
      [Uint8Array.of(0, 60, 0, 99), 540],
      [Uint8Array.of(0, 99, 0, 1), 540],
      [Uint8Array.of(0, 90, 0, 10, 0), 502],
      [Uint8Array.of(0, 60), 502],
    ] as const
  ) {
    await using client = await Client.connect(broker.url);
    await client.channel();
    await client.sendFrame(1, 1, payload);
    equal((await client.closed()).code, code);
    await client.ended();
  }
});

test("arguments that are cut off are refused with 502", async () => {
  await using broker = await startBroker();
  const declare = toBytes("\0\x32\0\x0a\0\0\x01q\0");
  for (
    const table of [
      "",
      "\0\0",
      "\xff\xff\xff\xff",
      "\0\0\0\x09\x05x",
      "\0\0\0\x03\x01xS",
      "\0\0\0\x07\x01xS\x7f\xff\xff\xff",
      "\0\0\0\x07\x01xF\0\0\0\x01",
    ]
  ) {
    await using client = await Client.connect(broker.url);
    await client.channel();
    const payload = Uint8Array.of(...declare, ...toBytes(table));
    await client.sendFrame(1, 1, payload);
    const { code, classId, methodId } = await client.closed();
    deepEqual([code, classId, methodId], [502, 50, 10]);
    await client.ended();
  }
});

test("a stream is refused with 540", async () => {
  await using broker = await startBroker();
  await using client = await Client.connect(broker.url);
  const channel = await client.channel();
  await channel.sendDeclareQueue("q", {
    durable: true,
    args: args({ "x-queue-type": "stream" }),
  });
  equal(
    (await client.closed()).replyText,
    "NOT_IMPLEMENTED - queues of type 'stream'",
  );
});
