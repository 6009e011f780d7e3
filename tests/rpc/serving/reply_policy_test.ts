// Tests of src/rpc/serving/reply_policy.ts, through a server on a broker in memory.

import assert from "node:assert/strict";
import { RpcError } from "../../../src/rpc/errors.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { Scene } from "../../support/serving.ts";
import { turns } from "../../support/within.ts";

/** A server that answers with the body; `runs` are the bodies it saw. */
function echoing() {
  const runs: string[] = [];
  const scene = new Scene((request) => {
    runs.push(request.text());
    return request.text();
  });
  const count = (event: string) =>
    scene.broker.log.filter((it) => it === event).length;
  return { scene, runs, count };
}

Deno.test("queues that the broker named are not asked for", async () => {
  const { scene, count } = echoing();
  await using _server = await scene.serve();
  scene.broker.declare("amq.rabbitmq.reply-to.g1h2");
  for (const replyTo of [scene.callback, "amq.rabbitmq.reply-to.g1h2"]) {
    scene.ask("x", { replyTo });
    assert.equal((await scene.broker.take(replyTo)).text, "x");
    assert.equal(count(`check ${replyTo}`), 0);
  }
});

Deno.test("no address for direct replies that a broker can't have given", async () => {
  const { scene, runs } = echoing();
  await using _server = await scene.serve();
  scene.ask("x", { replyTo: "amq.rabbitmq.reply-to.A.B" });
  await scene.broker.seen("drop 1");
  assert.deepEqual(runs, []);
  const replyTo =
    "amq.rabbitmq.reply-to.g1h2AA1yZXBseUA5MjQ4ODg0AAAH2AAAAABrCl7u.IERt3gQ==";
  scene.broker.declare(replyTo);
  scene.ask("x", { replyTo });
  assert.equal((await scene.broker.take(replyTo)).text, "x");
});

/** As Python's `"amq_%s" % hex(bits)` has them: without leading zeros. */
const RANDOM = [
  "amq_0x8d1f0a2b3c4d5e6f708192a3b4c5d6e7",
  "amq_0xd1f0a2b3c4d5e6f708192a3b4c5d6e7",
  "rabbit-rpc.results.jobs-8d1f0a2b3c4d5e6f708192a3b4c5d6e7",
];

for (const replyTo of RANDOM) {
  Deno.test(`nobody can guess ${replyTo}: it is not asked for`, async () => {
    const { scene, count } = echoing();
    await using _server = await scene.serve();
    scene.broker.checkFailure = new RpcError("permission_denied", "denied");
    scene.broker.declareExclusive(replyTo);
    scene.ask("x", { replyTo });
    assert.equal((await scene.broker.take(replyTo)).text, "x");
    assert.equal(count(`check ${replyTo}`), 0);
  });
}

for (
  const replyTo of [
    "amq_0xabc",
    `my.${RANDOM[0]}`,
    `${RANDOM[0]}\n`,
    `${RANDOM[0]}00`,
    "rabbit-rpc.results.payments",
  ]
) {
  Deno.test(`${JSON.stringify(replyTo)} may be anybody's`, async () => {
    const { scene, count } = echoing();
    await using _server = await scene.serve();
    scene.broker.declare(replyTo);
    scene.ask("x", { replyTo });
    await scene.broker.seen("drop 1");
    assert.equal(count(`check ${replyTo}`), 1);
  });
}

Deno.test("an exclusive queue of another connection is asked for once", async () => {
  const { scene, count } = echoing();
  await using _server = await scene.serve();
  scene.broker.declareExclusive("amq_0xabc");
  for (const body of ["1", "2", "3"]) {
    scene.ask(body, { replyTo: "amq_0xabc" });
    assert.equal((await scene.broker.take("amq_0xabc")).text, body);
  }
  assert.equal(count("check amq_0xabc"), 1);
});

Deno.test("a shared queue gets nothing, and is told of once", async () => {
  const { scene, runs, count } = echoing();
  await using _server = await scene.serve();
  scene.broker.declare("payments");
  scene.ask("1", { replyTo: "payments" });
  scene.ask("2", { replyTo: "payments" });
  await scene.broker.seen("drop 2");
  scene.ask("3", { replyTo: "payments" });
  await scene.broker.seen("drop 3");
  assert.deepEqual(runs, []);
  assert.equal(count("publish payments"), 0);
  assert.equal(count("check payments"), 1);
  const [refused, ...more] = scene.eventsOf("reply_to_refused");
  assert.equal(refused?.replyTo, "payments");
  assert.match(refused.why, /not exclusive to another connection$/);
  assert.equal(refused.allowable, true);
  assert.deepEqual(more, []);
  assert.equal(scene.eventsOf("request_dropped").length, 3);
});

Deno.test("nobody gets a request's error either", async () => {
  const { scene, count } = echoing();
  await using _server = await scene.serve({ maxBodyBytes: 1 });
  scene.broker.declare("payments");
  scene.ask("too long", { replyTo: "payments" });
  await scene.broker.seen("drop 1");
  assert.equal(count("publish payments"), 0);
});

Deno.test("a shared queue that a pattern names is taken, unasked", async () => {
  const { scene, count } = echoing();
  const replyTo = ["rpc.reply-*", "Replies"];
  await using _server = await scene.serve({ replyTo });
  for (const name of ["rpc.reply-orders", "Replies"]) {
    scene.broker.declare(name);
    scene.ask("x", { replyTo: name });
    assert.equal((await scene.broker.take(name)).text, "x");
    assert.equal(count(`check ${name}`), 0);
  }
});

Deno.test("no pattern opens the request queue itself", async () => {
  const { scene, runs, count } = echoing();
  await using _server = await scene.serve({ replyTo: ["*"] });
  scene.ask("1", { replyTo: "q" });
  scene.ask("2", { replyTo: "q" });
  await scene.broker.seen("drop 2");
  assert.deepEqual(runs, []);
  assert.equal(count("publish q"), 2);
  assert.equal(scene.eventsOf("reply_to_refused").length, 1);
});

Deno.test("the work for a caller who is gone is spared", async () => {
  const { scene, runs } = echoing();
  await using _server = await scene.serve();
  scene.ask("1", { replyTo: "gone" });
  await scene.broker.seen("ack 1");
  assert.deepEqual(runs, []);
  assert.equal(scene.eventsOf("request_dropped").length, 1);
  assert.deepEqual(scene.eventsOf("reply_to_refused"), []);
  // Back again, under the same name.
  scene.broker.declareExclusive("gone");
  scene.ask("2", { replyTo: "gone" });
  assert.equal((await scene.broker.take("gone")).text, "2");
});

Deno.test("a queue declared while it is asked for is found", async () => {
  const { scene, runs, count } = echoing();
  await using _server = await scene.serve();
  const release = scene.broker.hold("check");
  scene.ask("early", { replyTo: "cb" });
  await scene.broker.seen("check cb");
  scene.broker.declareExclusive("cb");
  for (const body of ["1", "2", "3"]) scene.ask(body, { replyTo: "cb" });
  await turns();
  release();
  const replies = [];
  for (let n = 0; n < 3; n++) {
    replies.push((await scene.broker.take("cb")).text);
  }
  assert.deepEqual(replies, ["1", "2", "3"]);
  assert.deepEqual(runs, replies);
  assert.equal(count("check cb"), 2);
});

Deno.test("nobody waits behind a request whose queue is asked for", async () => {
  const { scene, runs, count } = echoing();
  await using server = await scene.serve();
  const release = scene.broker.hold("check");
  scene.broker.declareExclusive("slow");
  scene.ask("1", { replyTo: "slow" });
  scene.ask("2", { replyTo: "slow" });
  scene.ask("quick");
  assert.equal((await scene.broker.take(scene.callback)).text, "quick");
  await scene.broker.seen("ack 3");
  assert.deepEqual([runs, server.inFlight], [["quick"], 2]);
  release();
  await scene.broker.take("slow");
  await scene.broker.take("slow");
  assert.equal(count("check slow"), 1);
});

Deno.test("what the broker does not tell counts as no", async () => {
  const { scene, runs } = echoing();
  await using _server = await scene.serve();
  scene.broker.declareExclusive("cb");
  scene.broker.checkFailure = new RpcError("permission_denied", "denied (403)");
  scene.ask("", { replyTo: "cb" });
  await scene.broker.seen("drop 1");
  assert.deepEqual(runs, []);
  const [refused] = scene.eventsOf("reply_to_refused");
  assert.match(refused!.why, /can't be checked \(denied \(403\)\)$/);
  assert.equal(refused!.allowable, true);
});

Deno.test("a connection lost meanwhile: the request comes again", async () => {
  const { scene, runs } = echoing();
  await using _server = await scene.serve();
  scene.broker.declareExclusive("cb");
  const release = scene.broker.hold("check");
  scene.ask("1", { replyTo: "cb" });
  await scene.broker.seen("check cb");
  await scene.transport.lose();
  release();
  assert.equal((await scene.broker.take("cb")).text, "1");
  assert.deepEqual(runs, ["1"]);
  assert.deepEqual(scene.eventsOf("reply_to_refused"), []);
});

Deno.test("a check that is never answered holds up nobody on the next connection", async () => {
  const { scene, count } = echoing();
  await using _server = await scene.serve();
  scene.broker.declareExclusive("cb");
  scene.broker.losesChecks = true;
  scene.ask("1", { replyTo: "cb" });
  await scene.broker.seen("check cb");
  scene.broker.losesChecks = false;
  await scene.transport.lose();
  assert.equal((await scene.broker.take("cb")).text, "1");
  assert.equal(count("check cb"), 2);
});

Deno.test("a server that stops gives back what waits", async () => {
  const { scene, runs } = echoing();
  const server = await scene.serve();
  scene.broker.declareExclusive("cb");
  const release = scene.broker.hold("check");
  scene.ask("1", { replyTo: "cb" });
  await scene.broker.seen("check cb");
  await server.stop();
  assert.deepEqual(scene.broker.inspect("q")?.messages, 1);
  release();
  await turns();
  assert.deepEqual(runs, []);
});

Deno.test("answers are kept for a minute; refusals are told of once", async () => {
  const { scene, count } = echoing();
  using time = new FakeTime(1_000_000);
  await using _server = await scene.serve();
  scene.broker.declare("shared");
  scene.broker.declareExclusive("cb");
  for (const checks of [1, 2]) {
    scene.ask("", { replyTo: "shared" });
    scene.ask("", { replyTo: "cb" });
    await scene.broker.take("cb");
    await scene.broker.seen(`drop ${3 * checks - 2}`);
    assert.deepEqual([count("check shared"), count("check cb")], [
      checks,
      checks,
    ]);
    // Nobody's wall clock makes them older.
    time.setWallClock(120_000);
    scene.ask("", { replyTo: "cb" });
    await scene.broker.take("cb");
    assert.equal(count("check cb"), checks);
    time.advance(60_000);
  }
  assert.equal(scene.eventsOf("reply_to_refused").length, 1);
});

Deno.test("a name with control characters is quoted", async () => {
  const { scene } = echoing();
  await using _server = await scene.serve();
  const replyTo = "x; rm -rf $HOME\u001b[2J";
  scene.broker.declare(replyTo);
  scene.ask("", { replyTo });
  await scene.broker.seen("drop 1");
  const { why } = scene.eventsOf("request_dropped")[0]!;
  assert.match(why, /^its reply_to "x; rm -rf \$HOME\\u001b\[2J" is refused$/);
});
