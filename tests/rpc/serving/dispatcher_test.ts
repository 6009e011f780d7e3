// Tests of src/rpc/serving/dispatcher.ts, by way of the server: what runs, and when.

import assert from "node:assert/strict";
import type { Procedure } from "../../../src/rpc/procedure.ts";
import { RpcServer } from "../../../src/rpc/serving/server.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { Scene } from "../../support/serving.ts";
import { turns, within } from "../../support/within.ts";

const never: Procedure = () => new Promise(() => {});

Deno.test("no more run at once than concurrency allows", async () => {
  const gates: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const scene = new Scene(async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => gates.push(resolve));
    running--;
  });
  await using server = await scene.serve({ concurrency: 3, prefetch: 5 });
  for (let n = 0; n < 10; n++) scene.ask(`${n}`);
  await turns();
  assert.equal(running, 3);
  assert.equal(server.inFlight, 5);
  assert.equal(scene.broker.inspect("q")!.messages, 5, "beyond the prefetch");
  for (let done = 1; done <= 10; done++) {
    gates.shift()!();
    await scene.broker.until(
      `${done} acks`,
      () => scene.broker.log.filter((it) => /^ack/.test(it)).length === done,
    );
    await turns();
  }
  assert.equal(most, 3);
  assert.equal(server.inFlight, 0);
});

Deno.test("quick requests overtake a slow one", async () => {
  const scene = new Scene((request) =>
    request.text() === "slow" ? new Promise(() => {}) : "done"
  );
  await using _server = await scene.serve({ prefetch: 2, graceMs: 1 });
  scene.ask("slow");
  for (let n = 0; n < 5; n++) {
    scene.ask("quick");
    assert.equal((await scene.broker.take(scene.callback)).text, "done");
  }
});

Deno.test("a long line of waiting requests is no deep recursion", async () => {
  const first = Promise.withResolvers<string>();
  const scene = new Scene((request) =>
    request.text() === "first" ? first.promise : "done"
  );
  const waiting = 5_000;
  const options = { concurrency: 1, prefetch: 65_535, graceMs: 1 };
  await using server = await scene.serve(options);
  scene.ask("first");
  for (let n = 0; n < waiting; n++) scene.broker.send("q", "one-way");
  const delivered = () => server.inFlight === waiting + 1;
  while (!delivered()) await turns();
  first.resolve("");
  const last = `ack ${waiting + 1}`;
  const { log } = scene.broker;
  await scene.broker.until(last, () => log.at(-1) === last);
  await turns();
  assert.equal(server.inFlight, 0);
});

Deno.test("competing servers share the requests", async () => {
  const scene = new Scene(never);
  await using one = await scene.serve({ prefetch: 2, graceMs: 1 });
  await using other = new RpcServer(scene.broker.connect(), "q", never, {
    prefetch: 2,
    graceMs: 1,
  });
  await within("the other", other.ready);
  for (let n = 0; n < 4; n++) scene.ask("");
  await turns();
  assert.deepEqual([one.inFlight, other.inFlight], [2, 2]);
});

Deno.test("the default prefetch keeps the next few requests at hand", async () => {
  for (const [concurrency, prefetch] of [[1, 2], [5, 10], [12, 16], [40, 40]]) {
    const scene = new Scene(never);
    await using server = await scene.serve({ concurrency, graceMs: 1 });
    for (let n = 0; n < 60; n++) scene.ask("");
    await turns();
    assert.equal(server.inFlight, prefetch, `for concurrency ${concurrency}`);
  }
});

Deno.test("a cancel ends what runs, and what waits is not run", async () => {
  const scene = new Scene(never);
  await using _server = await scene.serve({ concurrency: 1, prefetch: 2 });
  scene.ask("runs");
  scene.ask("waits");
  await turns();
  scene.broker.cancelCall("q", "2");
  scene.broker.cancelCall("q", "unknown");
  scene.broker.cancelCall("q", "1");
  const codes = [await scene.problem(), await scene.problem()];
  assert.deepEqual(codes.map(({ code }) => code), ["canceled", "canceled"]);
  await scene.broker.seen("ack 1");
  await scene.broker.seen("ack 2");
  assert.equal(scene.eventsOf("request").length, 1);
});

Deno.test("a repeated call is run once, be it running or over", async () => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const scene = new Scene(async () => {
    runs++;
    await gate.promise;
    return "done";
  });
  await using server = await scene.serve({ graceMs: 1 });
  const headers = { "rpc-deadline": Date.now() + 30_000 };
  scene.ask("x", { messageId: "m", headers });
  scene.ask("x", { messageId: "m", headers });
  await turns();
  assert.equal(server.inFlight, 2);
  gate.resolve();
  await scene.broker.seen("ack 2");
  scene.ask("x", { messageId: "m", headers });
  await scene.broker.seen("ack 3");
  assert.equal(runs, 1);
  for (const id of ["1", "2", "3"]) {
    const { text, properties } = await scene.broker.take(scene.callback);
    assert.deepEqual([text, properties.correlationId], ["done", id]);
  }
});

Deno.test("what was delivered too often is answered, and dead-lettered", async () => {
  const scene = new Scene(() => assert.fail("it must not run"));
  await using _server = await scene.serve({ maxDeliveries: 2 });
  scene.ask("", { headers: { "x-delivery-count": 3 } });
  assert.equal((await scene.problem()).code, "aborted");
  await scene.broker.seen("drop 1");
});

Deno.test("a wall clock that is set ends no run early, and none late", async () => {
  for (const byMs of [-6_000, 6_000]) {
    using time = new FakeTime(Date.now());
    const left: number[] = [];
    const scene = new Scene((_, context) => {
      time.setWallClock(byMs);
      left.push(context.deadlineMs - Date.now());
      return new Promise(() => {});
    });
    const server = await scene.serve({ graceMs: 1 });
    scene.ask("", { headers: { "rpc-deadline": Date.now() + 1_000 } });
    await turns();
    assert.deepEqual(left, [1_000]);
    time.advance(999);
    await turns();
    assert.equal(server.inFlight, 1);
    time.advance(1);
    assert.equal((await scene.problem()).code, "deadline_exceeded");
    await turns();
    await server.stop();
  }
});

Deno.test("a wall clock that is set makes no request late that waits", async () => {
  using time = new FakeTime(Date.now());
  const first = Promise.withResolvers<string>();
  const scene = new Scene((request) =>
    request.text() === "first" ? first.promise : "done"
  );
  const server = await scene.serve({ concurrency: 1 });
  scene.ask("first");
  scene.ask("second", { expiration: "1000" });
  await turns();
  time.setWallClock(6_000);
  first.resolve("");
  await scene.broker.take(scene.callback);
  assert.equal((await scene.broker.take(scene.callback)).text, "done");
  await turns();
  await server.stop();
});

Deno.test("what waits is started by priority, and in order within one", async () => {
  const first = Promise.withResolvers<string>();
  const ran: string[] = [];
  const scene = new Scene((request) => {
    ran.push(request.text());
    return request.text() === "first" ? first.promise : "done";
  });
  await using _server = await scene.serve({ concurrency: 1, prefetch: 20 });
  const requests: [string, number?][] = [
    ["first"],
    ["a"],
    ["b", 0],
    ["c", 5],
    ["d", 9],
    ["e", 5],
    ["f"],
    ["g", 255],
    ["h", 1],
  ];
  for (const [text, priority] of requests) scene.ask(text, { priority });
  await turns();
  first.resolve("");
  for (const _ of requests) await scene.broker.take(scene.callback);
  assert.deepEqual(ran, ["first", "g", "d", "c", "e", "h", "a", "b", "f"]);
});
