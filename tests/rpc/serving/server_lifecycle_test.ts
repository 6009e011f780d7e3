// Tests of src/rpc/serving/server.ts: stopping without losing anything, and lost
// connections.

import assert from "node:assert/strict";
import {
  failure,
  REASONS,
  RpcError,
  type RpcErrorReason,
} from "../../../src/rpc/errors.ts";
import { unreachable } from "../../support/fake_transport.ts";
import { Scene } from "../../support/serving.ts";
import { turns, within } from "../../support/within.ts";

/** Procedures that run until a test ends them, in the order they started. */
function held() {
  const runs: { text: string; end: (result: string) => void }[] = [];
  const scene = new Scene((request) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    runs.push({ text: request.text(), end: resolve });
    return promise;
  });
  return { scene, runs };
}

Deno.test("stop: cancel, give back, finish, confirm, acknowledge, close", async () => {
  const { scene, runs } = held();
  const server = await scene.serve({ concurrency: 1, prefetch: 3 });
  for (const body of ["a", "b", "c", "d"]) scene.ask(body);
  await scene.broker.seen("event request");
  await turns();
  const release = scene.broker.hold("confirm");
  scene.broker.log.length = 0;
  const stopping = server.stop();
  await scene.broker.seen("requeue 3");
  runs[0].end("done");
  await scene.broker.seen(`publish ${scene.callback}`);
  await turns();
  assert.equal(scene.broker.log.includes("close q"), false);
  release();
  await within("the stop", stopping);
  const { callback } = scene;
  assert.deepEqual(scene.broker.log, [
    "event draining",
    "cancel q",
    "requeue 2",
    "requeue 3",
    "event answered",
    `publish ${callback}`,
    `confirm ${callback}`,
    "ack 1",
    "close q",
  ]);
  assert.equal(runs.length, 1);
  const left = await Promise.all([1, 2, 3].map(() => scene.broker.take("q")));
  assert.deepEqual(
    left.map(({ text, redelivered }) => [text, redelivered]).sort(),
    [["b", true], ["c", true], ["d", false]],
  );
});

Deno.test("what is delivered while the consumer is cancelled goes back", async () => {
  const { scene, runs } = held();
  const server = await scene.serve({ concurrency: 1, prefetch: 2 });
  const release = scene.broker.hold("cancel");
  // Delivered already, but read only after the stop.
  scene.ask("late");
  const stopping = server.stop();
  await scene.broker.seen("requeue 1");
  release();
  await within("the stop", stopping);
  assert.equal(runs.length, 0);
  assert.equal((await scene.broker.take("q")).text, "late");
});

Deno.test("stop: after the grace period what runs is given back, unanswered", async () => {
  const reasons: RpcError[] = [];
  const scene = new Scene((_, { signal }) => {
    const { promise, reject } = Promise.withResolvers<string>();
    signal.addEventListener("abort", () => {
      reasons.push(signal.reason);
      reject(signal.reason);
    });
    return promise;
  });
  const server = await scene.serve();
  scene.ask("a");
  await scene.broker.seen("event request");
  await within("the stop", server.stop({ graceMs: 20 }));
  await turns();
  assert.deepEqual(reasons.map(({ code }) => code), ["aborted"]);
  const { text, redelivered } = await scene.broker.take("q");
  assert.deepEqual([text, redelivered], ["a", true]);
  const outcome = /^(ack|requeue|drop|publish amq|event answered)/;
  const seen = scene.broker.log.filter((it) => outcome.test(it));
  assert.deepEqual(seen, []);
});

Deno.test("stop: no grace means at once", async () => {
  const { scene } = held();
  const server = await scene.serve();
  scene.ask("a");
  await scene.broker.seen("event request");
  await within("the stop", server.stop({ graceMs: 0 }));
  assert.equal((await scene.broker.take("q")).redelivered, true);
});

Deno.test("stop: the second stop ends the grace period of the first", async () => {
  const { scene } = held();
  const server = await scene.serve();
  scene.ask("a");
  await scene.broker.seen("event request");
  const stopping = server.stop();
  await scene.broker.seen("cancel q");
  await turns();
  await within("both", Promise.all([stopping, server.stop({ graceMs: 0 })]));
});

Deno.test("stop: the second stop counts at any moment of the first", async () => {
  const { scene, runs } = held();
  const server = await scene.serve();
  scene.ask("a");
  await scene.broker.seen("event request");
  // The consumer is being cancelled when the second comes.
  const stopping = Promise.all([server.stop(), server.stop({ graceMs: 0 })]);
  try {
    await within("both", stopping);
  } finally {
    runs[0].end("");
    await stopping;
  }
});

Deno.test("stop: a grace period as long as it takes is no grace period of 1 ms", async () => {
  const { scene, runs } = held();
  const server = await scene.serve();
  scene.ask("a");
  await scene.broker.seen("event request");
  // A timer takes no more than 2^31 - 1 ms, and fires at once for more.
  const stopping = server.stop({ graceMs: 2 ** 31 });
  await scene.broker.seen("cancel q");
  await new Promise((resolve) => setTimeout(resolve, 20));
  runs[0].end("done");
  await within("the stop", stopping);
  assert.ok(scene.broker.log.includes("ack 1"), scene.broker.log.join(", "));
});

Deno.test("stop with nothing in hand, twice, and by scope", async () => {
  const scene = new Scene(() => "");
  {
    await using server = await scene.serve();
    await within("both", Promise.all([server.stop(), server.stop()]));
    await server.finished;
  }
  const closed = scene.broker.log.filter((it) => it === "close q");
  assert.equal(closed.length, 1);
  assert.equal(scene.broker.inspect("q")!.consumers, 0);
});

Deno.test("stop before there is a broker", async () => {
  const scene = new Scene(() => "");
  scene.broker.refusal = unreachable();
  const server = scene.start();
  await scene.broker.seen("unreachable");
  await within("the stop", server.stop());
  await assert.rejects(server.ready, /stopped/);
});

Deno.test("stop while the queue is being opened", async () => {
  const scene = new Scene(() => "");
  const release = scene.broker.hold("open");
  const server = scene.start();
  await turns();
  const stopping = server.stop();
  await turns();
  release();
  await within("the stop", stopping);
  assert.equal(scene.broker.inspect("q")!.consumers, 0);
});

Deno.test("stop while a lost queue is opened again", async () => {
  const scene = new Scene(() => "");
  const server = await scene.serve();
  const release = scene.broker.hold("open");
  await scene.transport.lose();
  await scene.broker.seen("event interrupted");
  await scene.broker.seen("connected");
  await turns();
  const stopping = server.stop();
  await turns();
  release();
  await within("the stop", stopping);
  assert.equal(scene.broker.inspect("q")!.consumers, 0);
});

Deno.test("count: so many are run, then it stops", async () => {
  const scene = new Scene((request) => Promise.resolve(request.text()));
  const server = await scene.serve({ count: 3, concurrency: 2 });
  for (let n = 0; n < 5; n++) scene.ask(`${n}`);
  await within("the end", server.finished);
  assert.equal(scene.eventsOf("answered").length, 3);
  assert.equal(scene.broker.inspect("q")!.messages, 2);
  assert.equal(scene.broker.inspect(scene.callback)!.messages, 3);
});

Deno.test("count: a request that is not run does not count", async () => {
  const scene = new Scene((request) => request.text());
  const server = await scene.serve({ count: 1 });
  scene.ask("expired", { headers: { "rpc-deadline": 1 } });
  assert.equal((await scene.problem()).code, "deadline_exceeded");
  scene.ask("good");
  await within("the end", server.finished);
  assert.equal((await scene.broker.take(scene.callback)).text, "good");
});

Deno.test("count: it holds for procedures that answer at once, too", async () => {
  const first = Promise.withResolvers<string>();
  const scene = new Scene((request) =>
    request.text() === "first" ? first.promise : "done"
  );
  const server = await scene.serve({ count: 2, concurrency: 1, prefetch: 9 });
  for (const body of ["first", "second", "third", "fourth"]) scene.ask(body);
  await turns();
  first.resolve("done");
  try {
    await within("the end", server.finished);
  } finally {
    await server.stop();
  }
  assert.equal(scene.eventsOf("answered").length, 2);
});

/** Properties of a request that our own client made. */
function ours() {
  return { headers: { "rpc-deadline": Date.now() + 30_000 } };
}

/** The next so many replies, in alphabetical order. */
async function replies(scene: Scene, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    texts.push((await scene.broker.take(scene.callback)).text);
  }
  return texts.sort();
}

Deno.test("a lost connection: a stranger's request gets the held reply when it comes again", async () => {
  const { scene, runs } = held();
  await using server = await scene.serve({ concurrency: 2, prefetch: 2 });
  scene.ask("a");
  await scene.broker.seen("event request");
  await scene.transport.lose();
  await scene.broker.seen("event interrupted");
  // The run ends while there is no connection: its reply waits for the next.
  runs[0].end("first run");
  assert.deepEqual(await replies(scene, 2), ["first run", "first run"]);
  await scene.broker.seen("ack 1");
  const repeated = scene.eventsOf("repeated");
  assert.deepEqual(repeated.map(({ request }) => request.redelivered), [true]);
  assert.equal(runs.length, 1);
  assert.deepEqual(scene.eventsOf("reply_held").length, 1);
  await turns();
  assert.equal(server.inFlight, 0);
});

Deno.test("a lost connection: our own request joins its run when it comes again", async () => {
  const { scene, runs } = held();
  await using server = await scene.serve({ concurrency: 2, prefetch: 4 });
  scene.ask("a", ours());
  scene.ask("b", ours());
  await scene.broker.until("both run", () => runs.length === 2);
  await scene.transport.lose();
  await scene.broker.seen("consume q");
  await turns();
  runs[0].end("a");
  runs[1].end("b");
  assert.deepEqual(await replies(scene, 2), ["a", "b"]);
  await scene.broker.seen("ack 1");
  await scene.broker.seen("ack 2");
  await turns();
  assert.equal(server.inFlight, 0);
  assert.equal(runs.length, 2);
  assert.equal(scene.broker.inspect("q")!.messages, 0);
});

Deno.test("a connection lost before the confirm: our own request is not run again", async () => {
  let runs = 0;
  const scene = new Scene(() => `run ${++runs}`);
  await using _server = await scene.serve();
  const release = scene.broker.hold("confirm");
  scene.ask("a", ours());
  await scene.broker.seen(`publish ${scene.callback}`);
  await scene.transport.lose();
  release();
  await scene.broker.seen("ack 1");
  assert.equal(runs, 1);
});

Deno.test("a connection lost before the confirm: a stranger's request is not acknowledged", async () => {
  const scene = new Scene((request) => `${request.redelivered}`);
  await using server = await scene.serve();
  const release = scene.broker.hold("confirm");
  scene.ask("a");
  await scene.broker.seen(`publish ${scene.callback}`);
  await scene.transport.lose();
  await turns();
  assert.equal(server.inFlight, 0);
  assert.equal(scene.broker.inspect("q")!.messages, 1);
  release();
  await scene.broker.seen("ack 1");
  // Published before the loss, held and published again, and once more.
  assert.deepEqual(await replies(scene, 3), ["false", "false", "false"]);
});

Deno.test("a broker that comes back is found again", async () => {
  const scene = new Scene(() => "done");
  await using _server = await scene.serve();
  scene.broker.refusal = unreachable();
  await scene.transport.lose();
  const [event] = scene.eventsOf("interrupted");
  assert.equal(event.error.reason, "connection_lost");
  assert.ok(event.retryInMs > 0 && event.retryInMs <= 200);
  await scene.broker.seen("unreachable");
  scene.broker.refusal = undefined;
  scene.broker.note("up again");
  await scene.broker.seen("consume q");
  scene.ask("");
  assert.equal((await scene.broker.take(scene.callback)).text, "done");
});

Deno.test("a queue that is deleted is declared again", async () => {
  const scene = new Scene(() => "done");
  await using _server = await scene.serve();
  scene.broker.delete("q");
  await scene.broker.seen("consume q");
  scene.ask("");
  assert.equal((await scene.broker.take(scene.callback)).text, "done");
});

Deno.test("the channels of a queue that was lost are closed", async () => {
  const scene = new Scene(() => "done");
  await using _server = await scene.serve();
  scene.broker.delete("q");
  await scene.broker.seen("consume q");
  // The connection stands: an open channel would go on to take deliveries.
  assert.ok(scene.broker.log.includes("close q"), scene.broker.log.join(", "));
});

for (const reason of Object.keys(REASONS) as RpcErrorReason[]) {
  const { remedy } = REASONS[reason];
  Deno.test(`${reason}: a server ${remedy === "none" ? "ends" : "tries again"}`, async () => {
    const scene = new Scene(() => "");
    const error = failure(reason, "no use");
    scene.broker.refusal = error;
    const server = scene.start();
    try {
      if (remedy === "none") {
        const ready = within("ready", server.ready);
        await assert.rejects(ready, error);
        await assert.rejects(server.finished, error);
      } else {
        // The transport itself waits for a broker that can't be reached.
        if (reason !== "broker_unreachable") {
          await scene.broker.seen("event interrupted");
        }
        scene.broker.refusal = undefined;
        await within("ready", server.ready);
      }
    } finally {
      await server.stop();
    }
  });
}

Deno.test("a server ends where it is refused after a lost connection", async () => {
  const scene = new Scene(() => "");
  const server = await scene.serve();
  const error = new RpcError("unauthenticated", "no", { reason: "refused" });
  scene.broker.refusal = error;
  await scene.transport.lose();
  await assert.rejects(within("the end", server.finished), error);
  await server.stop();
});

Deno.test("a server that is refused leaves no timer behind", async () => {
  const { scene, runs } = held();
  const server = await scene.serve({ handlerTimeoutMs: 60_000 });
  scene.ask("a");
  await scene.broker.seen("event request");
  const error = new RpcError("unauthenticated", "no", { reason: "refused" });
  scene.broker.refusal = error;
  await scene.transport.lose();
  await assert.rejects(within("the end", server.finished), error);
  // The sanitizer sees the timer of the run, where it still stands.
  await server.stop();
  runs[0].end("");
});
