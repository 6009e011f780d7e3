// Other people's clients and streams: those that read one, those that have never
// heard of any, and servers of theirs.

import assert from "node:assert/strict";
import { connect, type Procedure } from "../../src/mod.ts";
import { amqplibClient, amqplibServer } from "../peers/amqplib_peer.ts";
import {
  callFromPython,
  PYTHON,
  pythonMissing,
  startPythonServer,
} from "../support/peers.ts";
import { runProcess } from "../support/process.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";

const READER = `${import.meta.dirname}/../examples/stream_client.py`;
const needs = [pythonMissing("pika")];

/** Counts to the number in the request; there is an error in place of 13. */
const count: Procedure = async function* (request) {
  for (let n = 0; n < Number(request.text()); n++) {
    if (n === 13 && request.text() === "14") throw new Error("unlucky");
    yield String(n);
  }
};

async function serving() {
  const { url } = await sharedRabbitMq();
  const queue = `streams-${crypto.randomUUID()}`;
  const rpc = await connect(url);
  const server = await rpc.serve(queue, count, { graceMs: 0 });
  return { url, queue, server, [Symbol.asyncDispose]: () => rpc.close() };
}

function lines(last: number): string {
  return Array.from({ length: last }, (_, n) => `${n}\n`).join("");
}

rabbitMqTest(
  "pika reads a stream, within its own credit",
  { needs },
  async () => {
    await using scene = await serving();
    const read = (body: string) =>
      runProcess(PYTHON, [READER, scene.url, scene.queue, body]);
    const { code, stdout, stderr } = await read("1000");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(stdout, lines(1_000));
    const failed = await read("14");
    assert.deepEqual([failed.code, failed.stdout], [1, lines(13)]);
    assert.match(failed.stderr, /"detail":"unlucky"/);
    assert.equal((await read("0")).stdout, "");
  },
);

rabbitMqTest(
  "tutorial clients get a stream as one reply",
  { needs },
  async () => {
    await using scene = await serving();
    const { url, queue } = scene;
    assert.equal(await callFromPython("pika", url, queue, 5), "01234");
    assert.equal(await amqplibClient(url, queue, 5), "01234");
  },
);

rabbitMqTest("tutorial servers give a stream of one", { needs }, async () => {
  const { url } = await sharedRabbitMq();
  await using rpc = await connect(url);
  const read = async (queue: string) => {
    const items: string[] = [];
    for await (const item of rpc.stream(queue, 10)) items.push(item.text());
    return items;
  };
  const [ofPika, ofAmqplib] = ["p", "a"].map((it) =>
    `streams-${it}-${crypto.randomUUID()}`
  );
  await using _pika = await startPythonServer("pika", url, ofPika!);
  await using _amqplib = await amqplibServer(url, ofAmqplib!);
  assert.deepEqual(await read(ofPika!), ["55"]);
  assert.deepEqual(await read(ofAmqplib!), ["55"]);
});
