// More things to do at once than the broker allows channels.

import assert from "node:assert/strict";
import type { RpcError } from "../../src/mod.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import { close } from "../reliability/plain_server.ts";
import { Log } from "../reliability/watching.ts";
import amqplib, { type ConsumeMessage } from "amqplib";
import { Buffer } from "node:buffer";
import { connected } from "./connected.ts";
import { serveHooks } from "../support/hooks.ts";

const CALLERS = 60;

/** Sends a request whose reply goes to an exclusive queue of its own name. */
async function callFromOwnQueue(url: string, queue: string, name: string) {
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(name, { exclusive: true });
  const replies = new Log<ConsumeMessage | null>();
  await channel.consume(name, replies.add, { noAck: true });
  channel.sendToQueue(queue, Buffer.from(name), { replyTo: name });
  return {
    reply: () => replies.first(`reply in ${name}`),
    [Symbol.asyncDispose]: () => close(connection),
  };
}

rabbitMqTest(
  "where channels run out, what needs one waits",
  { slow: true },
  async (t) => {
    await using rabbitMq = await startRabbitMq({ config: "channel_max = 8" });
    const { url } = rabbitMq;

    await t.step(
      "callers with queues of their own are all answered",
      async () => {
        await using serving = await connected(url);
        const queue = "echo";
        await serving.rpc.serve(queue, (request) => request.text());
        await using callers = new AsyncDisposableStack();
        const names = Array.from({ length: CALLERS }, (_, n) => `own-${n}`);
        const calls = await Promise.all(
          names.map((name) => callFromOwnQueue(url, queue, name)),
        );
        for (const call of calls) callers.use(call);
        for (const [n, call] of calls.entries()) {
          assert.equal((await call.reply())?.content.toString(), names[n]);
        }
      },
    );

    await t.step("queues are inspected by the thousand", async () => {
      await using calling = await connected(url);
      await using serving = await connected(url);
      await serving.rpc.serve("there", () => "");
      const infos = await Promise.all(
        Array.from(
          { length: 2_500 },
          (_, n) =>
            calling.rpc.inspect(n % 2 === 0 ? "there" : `not-there-${n}`),
        ),
      );
      assert.equal(infos.filter((info) => info === undefined).length, 1_250);
      assert.deepEqual(calling.events, ["connected"]);
    });

    await t.step("a server and a caller come before inspections", async () => {
      await using both = await connected(url);
      const inspections = Array.from(
        { length: 500 },
        (_, n) => both.rpc.inspect(`inspected-${n}`),
      );
      await both.rpc.serve("urgent", () => "served");
      assert.equal((await both.rpc.call("urgent", "")).text(), "served");
      await Promise.all(inspections);
    });

    await t.step("what can't have one is told why", async () => {
      await using crowded = await connected(url, { connectTimeoutMs: 2_000 });
      await crowded.rpc.serve("first", () => "");
      await crowded.rpc.serve("second", () => "");
      const why = Promise.withResolvers<RpcError>();
      const serving = crowded.rpc.serve(
        "third",
        () => "",
        serveHooks({
          onEvent: (event) =>
            event.type === "interrupted" && why.resolve(event.error),
        }),
      );
      const stopped = assert.rejects(serving, { code: "canceled" });
      const error = await why.promise;
      assert.equal(error.code, "resource_exhausted");
      assert.equal(error.reason, "not_admitted");
      assert.match(error.message, /all channels that the broker allows/);
      await crowded.rpc.close();
      await stopped;
    });
  },
);
