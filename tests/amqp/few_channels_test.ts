// A broker that allows few channels on a connection.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import amqplib from "amqplib";
import { connect, type RpcError } from "../../src/mod.ts";
import { startBroker } from "../../src/broker/broker.ts";
import { test } from "../support/needs.ts";
import { within } from "../support/within.ts";

const SHORT_MS = 300;

test("four channels are enough to call, to cancel and to look for a server", async () => {
  await using broker = await startBroker({ channelMax: 4 });
  await using serving = await connect(broker.url);
  await using rpc = await connect(broker.url, { connectTimeoutMs: SHORT_MS });
  const heard = Promise.withResolvers<void>();
  await serving.serve("q", (request, { signal }) => {
    if (request.text() !== "never") return request.text();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        heard.resolve();
        reject(signal.reason);
      })
    );
  });
  // The second asks for no confirm, since the first was answered.
  assert.equal((await rpc.call("q", "1")).text(), "1");
  assert.equal((await rpc.call("q", "2")).text(), "2");
  const aborting = new AbortController();
  const { signal } = aborting;
  const canceled = assert.rejects(rpc.call("q", "never", { signal }));
  await broker.waitFor(() => broker.queue("q")?.unacknowledged === 1);
  aborting.abort();
  await canceled;
  await within("the abort", heard.promise);
  const reply = await rpc.call("q", "3", { requireConsumer: true });
  assert.equal(reply.text(), "3");
  assert.equal((await rpc.inspect("q"))?.consumers, 1);
});

test("four channels are enough to stream, to call, to cancel and to ask", async () => {
  await using broker = await startBroker({ channelMax: 4 });
  await using serving = await connect(broker.url);
  await using rpc = await connect(broker.url, { connectTimeoutMs: SHORT_MS });
  let left = 0;
  await serving.serve("numbers", async function* (request) {
    try {
      for (let n = 0; n < Number(request.text()); n++) yield String(n);
    } finally {
      left++;
    }
  });
  const numbers = async (count: number, wanted = count) => {
    let read = 0;
    for await (const item of rpc.stream("numbers", String(count))) {
      assert.equal(item.text(), String(read++));
      if (read === wanted) break;
    }
    return read;
  };
  // The second knows the server, and cancels it directly.
  assert.equal(await numbers(1_000), 1_000);
  assert.equal(await numbers(1_000_000, 1_000), 1_000);
  await within("the cancel", broker.waitFor(() => left === 2));
  const stopping = new AbortController();
  const { signal } = stopping;
  const canceled = assert.rejects(rpc.call("numbers", "1e6", { signal }));
  await broker.waitFor(() => broker.queue("numbers")?.unacknowledged === 1);
  stopping.abort();
  await canceled;
  await within("the abort", broker.waitFor(() => left === 3));
  const reply = await rpc.call("numbers", "3", { requireConsumer: true });
  assert.equal(reply.text(), "012");
  assert.equal((await rpc.inspect("numbers"))?.consumers, 1);
  assert.equal(await numbers(10), 10);
});

test("a server that streams has a channel left to ask about queues", async () => {
  await using broker = await startBroker({ channelMax: 4 });
  await using serving = await connect(broker.url, {
    connectTimeoutMs: SHORT_MS,
  });
  await using rpc = await connect(broker.url);
  await serving.serve("letters", async function* () {
    yield "a";
    yield "b";
  });
  const items: string[] = [];
  for await (const item of rpc.stream("letters")) items.push(item.text());
  assert.deepEqual(items, ["a", "b"]);
  const plain = await amqplib.connect(broker.url);
  try {
    const channel = await plain.createChannel();
    // Its name is no broker's: the server asks whose it is.
    await channel.assertQueue("own", { exclusive: true });
    const replied = new Promise<string>((resolve) => {
      void channel.consume(
        "own",
        (message) => resolve(String(message?.content)),
        { noAck: true },
      );
    });
    channel.sendToQueue("letters", Buffer.alloc(0), { replyTo: "own" });
    assert.equal(await within("a reply", replied), "ab");
    assert.equal((await serving.inspect("letters"))?.consumers, 1);
  } finally {
    await plain.close();
  }
});

test("where no channel is left to ask over, a call that wants a server says so", async () => {
  await using broker = await startBroker({ channelMax: 2 });
  await using rpc = await connect(broker.url, { connectTimeoutMs: SHORT_MS });
  await assert.rejects(
    rpc.call("q", "", { requireConsumer: true, timeoutMs: 20 * SHORT_MS }),
    ({ code, reason, message }: RpcError) =>
      code === "resource_exhausted" && reason === "not_admitted" &&
      /all channels that the broker allows/.test(message),
  );
});
