// What becomes of calls and servers when the broker itself has trouble: it is
// restarted, short of memory, out of patience, or refuses a right.

import assert from "node:assert/strict";
import type { ConnectionEvent } from "../../src/mod.ts";
import { start } from "../support/program.ts";
import {
  type RabbitMq,
  rabbitMqTest,
  startRabbitMq,
} from "../support/rabbitmq.ts";
import { waitUntil } from "../support/wait.ts";
import {
  eventOf,
  failureOf,
  Handler,
  Log,
  servesOn,
  serveWith,
  uniqueQueue,
  watched,
} from "./watching.ts";

rabbitMqTest("a broker in trouble", { slow: true }, async (t) => {
  await using broker = await startRabbitMq();
  const steps: [string, (broker: RabbitMq) => Promise<void>][] = [
    ["calls and servers outlast a restart, told by events", restart],
    ["a memory alarm: replies wait for its end", alarm],
    ["a memory alarm: a second signal ends a server all the same", alarmStop],
    ["a consumer that was too slow for the broker consumes again", tooSlow],
    ["a caller without rights on the exchange cancels in vain", noRights],
  ];
  for (const [name, step] of steps) await t.step(name, () => step(broker));
});

async function restart(broker: RabbitMq): Promise<void> {
  const queue = uniqueQueue("restart");
  await using answering = await watched(broker.url);
  const handler = new Handler();
  const serving = await serveWith(answering.rpc, queue, handler);
  await using _server = serving.server;
  await using caller = await watched(broker.url);
  const { rpc } = caller;
  const events = new Log<ConnectionEvent>();
  const reading = readEvents(answering.rpc.events(), events);

  // A broker may take its time to come back.
  const call = rpc.call(queue, "30", { retries: 1, timeoutMs: 120_000 });
  const run = await handler.run(1);
  await broker.stop();
  await eventOf(events, "unreachable");
  assert.equal(
    (await eventOf(serving.events, "interrupted")).type,
    "interrupted",
  );
  run.finish("832040");
  await eventOf(serving.events, "reply_held");
  await broker.start();
  // The caller's queue is gone: the answer is found by the message id.
  assert.equal((await call).text(), "832040");
  assert.equal(handler.count, 1);
  assert.equal(rpc.stats.inFlight, 0);

  await answering.rpc.close();
  await reading;
  const [lost, ...rest] = events.all.map(({ type }) => type);
  assert.equal(lost, "lost");
  assert.equal(rest.at(-1), "connected");
  assert.deepEqual(new Set(rest.slice(0, -1)), new Set(["unreachable"]));
}

/** Ends with the connection. */
async function readEvents(
  events: AsyncIterable<ConnectionEvent>,
  log: Log<ConnectionEvent>,
): Promise<void> {
  for await (const event of events) log.add(event);
}

async function alarm(broker: RabbitMq): Promise<void> {
  const queue = uniqueQueue("alarm");
  await using answering = await watched(broker.url);
  const handler = new Handler();
  const { server } = await serveWith(answering.rpc, queue, handler);
  await using _server = server;
  await using caller = await watched(broker.url);
  const { rpc } = caller;
  const calls = ["first", "second"].map((body) => rpc.call(queue, body));
  const [first, second] = [await handler.run(1), await handler.run(2)];
  await broker.blockPublishers();
  try {
    // A connection is blocked when it publishes next.
    first.finish("first");
    await eventOf(answering.events, "blocked");
    let answered = false;
    calls[1].then(() => answered = true, () => answered = true);
    second.finish("second");
    // A round trip over the caller's connection, which is not blocked.
    await rpc.inspect(queue);
    assert.equal(answered, false);
    assert.ok(server.inFlight > 0);
  } finally {
    await broker.unblockPublishers();
  }
  await eventOf(answering.events, "unblocked");
  const texts = (await Promise.all(calls)).map((reply) => reply.text());
  assert.deepEqual(texts, ["first", "second"]);
  const types = answering.events.all.map(({ type }) => type);
  assert.deepEqual(types, ["connected", "blocked", "unblocked"]);
  assert.equal(handler.count, 2);
}

async function alarmStop(broker: RabbitMq): Promise<void> {
  const queue = uniqueQueue("alarm-stop");
  await using caller = await watched(broker.url);
  const { rpc } = caller;
  // Declares the queue. All waits there before the alarm, and before a server.
  await (await rpc.serve(queue, () => "too early")).stop();
  const timeoutMs = 120_000;
  const forever = rpc.call(queue, "3600000", { timeoutMs });
  const first = rpc.call(queue, "1", { timeoutMs });
  let answered = false;
  const answer = first.then(() => answered = true);
  const ends = Promise.allSettled([forever, answer]);
  const bothWait = async () => (await rpc.inspect(queue))?.messages === 2;
  await waitUntil("both requests", bothWait, 20_000);
  await broker.blockPublishers();
  try {
    const flags = ["--builtin", "sleep", "--handler-timeout", "2m"];
    const args = ["server", queue, ...flags, "--url", broker.url];
    await using server = await start(args);
    await server.waitFor("accepts no messages", "stderr");
    server.kill("SIGTERM");
    await server.waitFor("stopping", "stderr");
    server.kill("SIGTERM");
    assert.equal((await server.result(15_000)).code, 0);
  } finally {
    await broker.unblockPublishers();
  }
  // Its reply was on the way; the end of the connection may have overtaken it.
  await waitUntil(
    "an answer, or both requests given back",
    async () => answered || await bothWait(),
    20_000,
  );
  await rpc.close();
  const [lasting] = await ends;
  assert.equal(
    lasting.status === "rejected" && lasting.reason.code,
    "canceled",
  );
}

async function tooSlow(broker: RabbitMq): Promise<void> {
  // Looked at on each tick of a channel; both hold for channels made later.
  const setting = (name: string, ms: number) =>
    `application:set_env(rabbit, ${name}, ${ms})`;
  await broker.ctl(
    "eval",
    `${setting("consumer_timeout", 500)}, ${
      setting("channel_tick_interval", 100)
    }.`,
  );
  const queue = uniqueQueue("too-slow");
  await using answering = await watched(broker.url);
  const handler = new Handler();
  // Since 4.3, it holds for quorum queues alone.
  const declare = { type: "quorum" } as const;
  const serving = await serveWith(answering.rpc, queue, handler, { declare });
  await using _server = serving.server;
  await broker.ctl("eval", `${setting("consumer_timeout", 1_800_000)}.`);
  await using caller = await watched(broker.url);
  const { rpc } = caller;
  const call = rpc.call(queue, "slow");
  const run = await handler.run(1);
  const { error } = await eventOf(serving.events, "interrupted");
  // The channel, or since 4.3 the consumer alone.
  assert.match(
    error.message,
    /not acknowledged within its consumer timeout/,
  );
  await eventOf(serving.events, "consuming", 2);
  run.finish("at last");
  assert.equal((await call).text(), "at last");
  await servesOn(rpc, queue, handler, answering);
}

async function noRights(broker: RabbitMq): Promise<void> {
  await broker.ctl("add_user", "bob", "secret");
  // Its own queues, and the default exchange: what calling takes.
  const own = "^amq\\.gen.*";
  const write = "^(amq\\.gen.*|amq\\.default|)$";
  await broker.ctl("set_permissions", "bob", own, write, own);
  const queue = uniqueQueue("rights");
  await using answering = await watched(broker.url);
  const handler = new Handler();
  const { server } = await serveWith(answering.rpc, queue, handler);
  await using _server = server;
  const user = { username: "bob", password: "secret" };
  await using caller = await watched(broker.url, user);
  const { rpc, events } = caller;
  for (const n of [1, 2]) {
    const canceling = new AbortController();
    const { signal } = canceling;
    const call = rpc.call(queue, `canceled ${n}`, { signal });
    const run = await handler.runOf(`canceled ${n}`);
    canceling.abort();
    assert.equal((await failureOf(call)).code, "canceled");
    const next = rpc.call(queue, `next ${n}`);
    (await handler.runOf(`next ${n}`)).finish("served");
    assert.equal((await next).text(), "served");
    // Nobody was allowed to tell it.
    assert.equal(run.context.signal.aborted, false);
    run.finish("for nobody");
  }
  assert.deepEqual(events.all.map(({ type }) => type), ["connected"]);
}
