// A broker that is restarted, killed, short of memory, or strict: its own node.

import assert from "node:assert/strict";
import {
  type RabbitMq,
  rabbitMqTest,
  startRabbitMq,
} from "../support/rabbitmq.ts";
import { within } from "../support/within.ts";
import { scene, uniqueQueue } from "../cli/scene.ts";
import { type Connected, connected } from "./connected.ts";

/** A caller and a server on connections of their own. */
interface Pair extends AsyncDisposable {
  client: Connected;
  serving: Connected;
  queue: string;
}

async function pair(
  url: string,
  procedure: (text: string) => string | Promise<string>,
): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const serving = stack.use(await connected(url));
  const client = stack.use(await connected(url));
  const queue = uniqueQueue();
  await serving.rpc.serve(queue, (request) => procedure(request.text()));
  const owned = stack.move();
  return {
    client,
    serving,
    queue,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

rabbitMqTest("a broker with troubles of its own", { slow: true }, async (t) => {
  await using rabbitMq = await startRabbitMq();
  await t.step("blocks a client", () => blocksClient(rabbitMq));
  await t.step("blocks a server", () => blocksServer(rabbitMq));
  await t.step("refuses a user's queues", () => refusesQueues(rabbitMq));
  await t.step("refuses a user's requests", () => refusesRequests(rabbitMq));
  await t.step("is restarted", () => comesBack(rabbitMq, "stop"));
  await t.step("is killed", () => comesBack(rabbitMq, "kill"));
});

/**
 * The alarm blocks a connection when it publishes. What it publishes at that
 * moment still passes; what comes after it has to wait.
 */
async function blocksClient(rabbitMq: RabbitMq): Promise<void> {
  const seen: string[] = [];
  await using both = await pair(rabbitMq.url, (text) => {
    seen.push(text);
    return text;
  });
  const { client, queue } = both;
  await rabbitMq.blockPublishers();
  const first = client.rpc.call(queue, "first");
  const blocked = await client.event("blocked");
  assert.match((blocked as { reason: string }).reason, /memory/);
  const order: string[] = [];
  const unblocked = client.event("unblocked").then(() =>
    order.push("unblocked")
  );
  const waiting = ["second", "third"].map(async (body) => {
    const reply = await client.rpc.call(queue, body);
    order.push(reply.text());
  });
  const canceling = new AbortController();
  const { signal } = canceling;
  const canceled = client.rpc.call(queue, "canceled", { signal });
  const tooLate = client.rpc.call(queue, "too late", { timeoutMs: 300 });
  await assert.rejects(tooLate, { code: "deadline_exceeded" });
  canceling.abort();
  await assert.rejects(canceled, { code: "canceled" });
  await rabbitMq.unblockPublishers();
  await Promise.all([first, unblocked, ...waiting]);
  assert.deepEqual(order, ["unblocked", "second", "third"]);
  await client.rpc.call(queue, "last");
  // What nobody waits for any more was still ours: it is not sent after all.
  assert.deepEqual(seen, ["first", "second", "third", "last"]);
  assert.deepEqual(client.events, ["connected", "blocked", "unblocked"]);
}

async function blocksServer(rabbitMq: RabbitMq): Promise<void> {
  const holds = [0, 1].map(() => Promise.withResolvers<string>());
  const running = holds.map(() => Promise.withResolvers<void>());
  await using both = await pair(rabbitMq.url, (text) => {
    running[Number(text)]!.resolve();
    return holds[Number(text)]!.promise;
  });
  const { client, serving, queue } = both;
  const calls = ["0", "1"].map((body) => client.rpc.call(queue, body));
  await within(
    "both requests",
    Promise.all(running.map(({ promise }) => promise)),
  );
  await rabbitMq.blockPublishers();
  holds[0]!.resolve("passes");
  await serving.event("blocked");
  const order: string[] = [];
  const unblocked = serving.event("unblocked").then(() =>
    order.push("unblocked")
  );
  const second = calls[1]!.then((reply) => order.push(reply.text()));
  holds[1]!.resolve("waited");
  await rabbitMq.unblockPublishers();
  await Promise.all([unblocked, second]);
  assert.deepEqual(order, ["unblocked", "waited"]);
  assert.equal((await calls[0]!).text(), "passes");
  assert.deepEqual(serving.events, ["connected", "blocked", "unblocked"]);
}

/** A scene for a user of this node who may do only so much. */
async function sceneAs(rabbitMq: RabbitMq, user: string, may: string[]) {
  await rabbitMq.ctl("add_user", user, "secret");
  await rabbitMq.ctl("set_permissions", user, ...may);
  return await scene({
    url: `amqp://${user}:secret@127.0.0.1:${rabbitMq.port}`,
  });
}

const REFUSED =
  /^rabbit-rpc: user "\w+" has no (\w+ )?permission on [^\n]* \(403\)\. Check [^\n]*\n$/;

async function refusesQueues(rabbitMq: RabbitMq): Promise<void> {
  const nobody = await sceneAs(rabbitMq, "nobody", ["", "", ""]);
  const client = await nobody.client(["1"]);
  assert.match(client.stderr, REFUSED);
  assert.deepEqual([client.code, client.stdout], [77, ""]);
  const server = await nobody.runServer(["--builtin", "fib"]);
  assert.match(server.stderr, REFUSED);
  assert.ok(server.stderr.includes(nobody.queue), server.stderr);
  assert.deepEqual([server.code, server.stdout], [77, ""]);
}

/** Callback queues are theirs, but they may publish nothing. */
async function refusesRequests(rabbitMq: RabbitMq): Promise<void> {
  const mute = await sceneAs(rabbitMq, "mute", ["^amq\\.gen", "", ".*"]);
  const { code, stdout, stderr } = await mute.client(["1"]);
  assert.match(stderr, REFUSED);
  assert.deepEqual([code, stdout], [77, ""]);
}

async function comesBack(
  rabbitMq: RabbitMq,
  end: "stop" | "kill",
): Promise<void> {
  const running = Promise.withResolvers<void>();
  const first = Promise.withResolvers<string>();
  let runs = 0;
  await using both = await pair(rabbitMq.url, (text) => {
    running.resolve();
    return ++runs === 1 ? first.promise : text;
  });
  const { client, serving, queue } = both;
  const call = client.rpc.call(queue, "x", { timeoutMs: 60_000 });
  const lost = assert.rejects(call, {
    code: "unavailable",
    reason: "connection_lost",
    maybeExecuted: true,
  });
  await within("the request", running.promise);
  await rabbitMq[end]();
  await lost;
  first.resolve("for nobody");
  await serving.event("lost");
  const whileDown = client.rpc.call(queue, "y");
  await assert.rejects(whileDown, { reason: "broker_unreachable" });
  await rabbitMq.start();
  const reply = await client.rpc.call(queue, "again", { wait: true });
  assert.equal(reply.text(), "again");
  assert.equal(client.rpc.stats.inFlight, 0);
  assert.equal(client.events.filter((type) => type === "lost").length, 1);
}
