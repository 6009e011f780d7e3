// Messages that are larger than the broker takes.

import assert from "node:assert/strict";
import type { RpcConnection, RpcError, RpcReply } from "../../src/mod.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import { connected } from "./connected.ts";

const LIMIT = 100_000;
const LARGE = new Uint8Array(LIMIT + 1);
const OTHERS = 20;

/** Calls before and after one that fails; they are all answered. */
async function amongOthers(
  rpc: RpcConnection,
  queue: string,
  failing: () => Promise<RpcReply>,
): Promise<RpcError> {
  const others = () =>
    Array.from(
      { length: OTHERS },
      (_, n) => rpc.call(queue, `${n}`, { confirm: n % 2 === 0 }),
    );
  const before = others();
  const failure = failing().then(
    () => assert.fail("answered"),
    (error: RpcError) => error,
  );
  const replies = await Promise.all([...before, ...others()]);
  const wanted = Array.from({ length: OTHERS }, (_, n) => `${n}`);
  assert.deepEqual(replies.map((reply) => reply.text()), [
    ...wanted,
    ...wanted,
  ]);
  return await failure;
}

rabbitMqTest("a message too large for the broker fails alone", async (t) => {
  const config = `max_message_size = ${LIMIT}`;
  await using rabbitMq = await startRabbitMq({ config });
  await using serving = await connected(rabbitMq.url);
  const queue = "sizes";
  const runs = new Map<string, number>();
  await serving.rpc.serve(queue, (request) => {
    const text = request.text();
    runs.set(text, (runs.get(text) ?? 0) + 1);
    return text === "large" ? LARGE : text;
  });

  await t.step("a request, with retries as well", async () => {
    await using calling = await connected(rabbitMq.url);
    await calling.rpc.call(queue, "answering");
    for (const retries of [0, 3]) {
      const error = await amongOthers(
        calling.rpc,
        queue,
        () => calling.rpc.call(queue, LARGE, { retries }),
      );
      assert.equal(error.code, "resource_exhausted");
      assert.equal(error.reason, "too_large");
      assert.equal(error.maybeExecuted, false);
      assert.match(error.message, /406 PRECONDITION_FAILED.*100001.*100000/);
    }
    assert.deepEqual(calling.events, ["connected"]);
  });

  await t.step("several in the same turn", async () => {
    await using calling = await connected(rabbitMq.url);
    const large = [1, 2, 3].map((more) =>
      calling.rpc.call(queue, new Uint8Array(LIMIT + more))
    );
    const ends = Promise.allSettled(large);
    assert.equal((await calling.rpc.call(queue, "small")).text(), "small");
    for (const [n, end] of (await ends).entries()) {
      assert.ok(end.status === "rejected");
      assert.match(end.reason.message, new RegExp(`size ${LIMIT + n + 1} `));
    }
  });

  await t.step("a reply: an error in its place, once", async () => {
    await using calling = await connected(rabbitMq.url);
    runs.clear();
    for (const times of [1, 2]) {
      const error = await amongOthers(
        calling.rpc,
        queue,
        () => calling.rpc.call(queue, "large"),
      );
      assert.equal(error.code, "resource_exhausted");
      assert.equal(error.remote, true);
      assert.match(error.message, /could not be sent.*100001.*100000/);
      assert.equal(runs.get("large"), times);
      assert.equal(runs.get("0"), 2 * times);
    }
    assert.deepEqual(serving.events, ["connected"]);
  });

  await t.step("what just fits is taken", async () => {
    await using calling = await connected(rabbitMq.url);
    const body = new Uint8Array(LIMIT).fill(65);
    const reply = await calling.rpc.call(queue, body);
    assert.equal(reply.bytes.length, LIMIT);
  });
});
