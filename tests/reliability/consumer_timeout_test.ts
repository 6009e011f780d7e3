// Requests that take longer than the broker waits for them to be acknowledged.

import assert from "node:assert/strict";
import { start } from "../support/program.ts";
import {
  type RabbitMq,
  rabbitMqTest,
  startRabbitMq,
} from "../support/rabbitmq.ts";
import { rabbitMqSince } from "../support/rabbitmq_node.ts";
import { eventOf, Handler, serveWith, watched } from "./watching.ts";

const HOUR_MS = 60 * 60_000;

/** A node that waits for half a second, and looks ten times in a second. */
async function impatientRabbitMq(): Promise<RabbitMq> {
  const rabbitMq = await startRabbitMq({ config: "consumer_timeout = 500" });
  const interval = "application:set_env(rabbit, channel_tick_interval, 100).";
  await rabbitMq.ctl("eval", interval);
  return rabbitMq;
}

/** On a quorum queue: since 4.3 there is no timeout for others. */
async function serving(url: string, queue: string, handlerTimeoutMs: number) {
  const stack = new AsyncDisposableStack();
  const { rpc } = stack.use(await watched(url));
  const handler = new Handler();
  const declare = { type: "quorum" } as const;
  const options = { declare, handlerTimeoutMs };
  const { server, events } = await serveWith(rpc, queue, handler, options);
  stack.use(server);
  const types = () => events.all.map(({ type }) => type);
  return {
    handler,
    events,
    types,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

rabbitMqTest(
  "a server that may take hours is waited for, or says what to set",
  async () => {
    await using rabbitMq = await impatientRabbitMq();
    const { url } = rabbitMq;
    await using patient = await serving(url, "patient", HOUR_MS);
    await using usual = await serving(url, "usual", HOUR_MS / 3);
    await using caller = await watched(url);
    const slow = caller.rpc.call("patient", "slow");
    const run = await patient.handler.run();
    const other = caller.rpc.call("usual", "slow");
    // Where the test fails, they end with their client.
    for (const call of [slow, other]) call.catch(() => {});
    const { error } = await eventOf(usual.events, "interrupted");
    if (rabbitMqSince(4, 3)) {
      assert.match(
        error.message,
        /not acknowledged within its consumer timeout$/,
      );
      // It was asked for, and half a second is over.
      assert.deepEqual(patient.types(), ["consuming", "request"]);
    } else {
      assert.match(
        error.message,
        /not acknowledged within its consumer timeout of 500ms$/,
      );
      const { advice, unackedMs } = await eventOf(
        patient.events,
        "consumer_timeout",
      );
      assert.equal(unackedMs > HOUR_MS, true);
      assert.match(
        advice,
        /: have consumer_timeout = \d{7} set in rabbitmq\.conf/,
      );
      await eventOf(patient.events, "consuming", 2);
      const told = patient.types().filter((type) =>
        type === "consumer_timeout"
      );
      assert.equal(told.length, 1, "once, whatever is interrupted");
    }
    assert.equal(usual.types().includes("consumer_timeout"), false);
    // Both go on, and run nothing twice.
    run.finish("at last");
    assert.equal((await slow).text(), "at last");
    (await usual.handler.run()).finish("it too");
    assert.equal((await other).text(), "it too");
    assert.deepEqual([patient.handler.count, usual.handler.count], [1, 1]);
  },
);

rabbitMqTest("hours on a classic queue, by the command line", async () => {
  await using rabbitMq = await startRabbitMq();
  const args = ["server", "-u", rabbitMq.url, "q", "--builtin", "echo"];
  await using server = await start([...args, "--handler-timeout", "120m"]);
  await server.waitFor("Awaiting RPC requests on q");
  await using caller = await watched(rabbitMq.url);
  assert.equal((await caller.rpc.call("q", "hello")).text(), "hello");
  if (rabbitMqSince(4, 3)) assert.equal(server.stderr(), "");
  else {
    assert.match(
      server.stderr(),
      /^rabbit-rpc: a request may stay unacknowledged for 122m, and RabbitMQ \S+ takes requests back after 30m by default: have .*\n$/,
    );
  }
});
