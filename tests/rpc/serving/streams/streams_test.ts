// Tests of src/rpc/serving/streams: what a server sends to a caller who asks for
// a stream, and what it makes of what callers tell it.

import assert from "node:assert/strict";
import type { MessageProperties } from "../../../../src/rpc/messages.ts";
import type { Procedure } from "../../../../src/rpc/procedure.ts";
import { FakeTime } from "../../../support/fake_time.ts";
import { Scene } from "../../../support/serving.ts";
import { turns, within } from "../../../support/within.ts";

/** Counts from 0, until it is stopped; `made` says how far it came. */
function counting() {
  const counter = { made: 0, stopped: Promise.withResolvers<unknown>() };
  const procedure: Procedure = async function* (_, { signal }) {
    try {
      while (true) yield String(counter.made++);
    } finally {
      counter.stopped.resolve(signal.aborted);
    }
  };
  return { counter, procedure };
}

function asking(credit: unknown, more: MessageProperties = {}) {
  const { headers, ...rest } = more;
  return { headers: { "rpc-stream": credit as number, ...headers }, ...rest };
}

/** Takes so many messages from the callback queue. */
async function takeAll(scene: Scene, count: number) {
  const taken = [];
  for (let n = 0; n < count; n++) {
    taken.push(await scene.broker.take(scene.callback));
  }
  return taken;
}

/** Lets time pass, and everything run that is due. */
async function passes(time: FakeTime, ms: number): Promise<void> {
  await turns();
  time.advance(ms);
  await turns();
}

function waiting({ broker, callback }: Scene): number {
  return broker.inspect(callback)!.messages;
}

Deno.test("items are numbered, the first says where control messages go", async () => {
  const scene = new Scene(async function* () {
    yield "a";
    yield { b: 1 };
    yield { body: "c", headers: { h: 1 }, contentType: "text/csv" };
  });
  await using _server = await scene.serve();
  scene.ask("", asking(10));
  const messages = await takeAll(scene, 4);
  assert.deepEqual(messages.map(({ text }) => text), ["a", '{"b":1}', "c", ""]);
  const [first, second, third, end] = messages.map((it) => it.properties);
  const run = first!.headers!["rpc-run"];
  assert.equal(typeof run, "string");
  assert.match(first!.replyTo!, /^amq\.gen-/);
  assert.deepEqual(first, {
    correlationId: "1",
    replyTo: first!.replyTo,
    headers: { "rpc-seq": 0, "rpc-run": run },
  });
  assert.deepEqual(second, {
    correlationId: "1",
    contentType: "application/json",
    headers: { "rpc-seq": 1 },
  });
  assert.deepEqual(third!.headers, { h: 1, "rpc-seq": 2 });
  assert.deepEqual(end, {
    correlationId: "1",
    type: "end",
    headers: { "rpc-seq": 3 },
  });
});

Deno.test("the request is acknowledged after the end is confirmed", async () => {
  const scene = new Scene(async function* () {
    yield "a";
    yield "b";
  });
  await using _server = await scene.serve();
  const confirm = scene.broker.hold("confirm");
  scene.ask("", asking(10));
  await takeAll(scene, 2);
  assert.equal(waiting(scene), 0);
  confirm();
  await takeAll(scene, 1);
  await scene.broker.until("the ack", () => scene.broker.log.includes("ack 1"));
});

Deno.test("a procedure is not pulled beyond the credit, and goes on with more", async () => {
  const { counter, procedure } = counting();
  const scene = new Scene(procedure);
  await using server = await scene.serve();
  scene.ask("", asking(3));
  const [{ properties: { replyTo, headers } }] = await takeAll(scene, 3);
  await turns();
  assert.deepEqual([counter.made, waiting(scene)], [3, 0]);
  assert.deepEqual(server.streams, { open: 1, stalled: 1, items: 3 });
  const control = (credit: number, more: MessageProperties = {}) =>
    scene.broker.send(replyTo!, "", {
      type: "credit",
      correlationId: "1",
      headers: { "rpc-run": headers!["rpc-run"], "rpc-credit": credit },
      ...more,
    });
  // Whoever does not know run and correlation id, and less than before.
  control(50, { correlationId: "2" });
  control(50, { headers: { "rpc-run": "x", "rpc-credit": 50 } });
  control(2);
  control(-1);
  control(NaN);
  await turns();
  assert.equal(counter.made, 3);
  control(5);
  await takeAll(scene, 2);
  await turns();
  assert.equal(counter.made, 5);
  control(0, { type: "cancel" });
  const [{ properties }] = await takeAll(scene, 1);
  assert.equal(properties.type, "error");
  assert.equal(await within("the end", counter.stopped.promise), true);
  assert.deepEqual(server.streams, { open: 0, stalled: 0, items: 5 });
});

Deno.test("credit counts bytes as well", async () => {
  const scene = new Scene(async function* () {
    for (let n = 0; n < 5; n++) yield new Uint8Array(100);
  });
  await using _server = await scene.serve();
  scene.ask("", asking(100, { headers: { "rpc-credit-bytes": 150 } }));
  const [{ properties: { replyTo, headers } }] = await takeAll(scene, 2);
  await turns();
  assert.equal(waiting(scene), 0);
  scene.broker.send(replyTo!, "", {
    type: "credit",
    correlationId: "1",
    headers: { ...headers, "rpc-credit": 100, "rpc-credit-bytes": 1_000 },
  });
  await takeAll(scene, 4);
});

Deno.test("what is asked for in a wrong way is refused", async () => {
  const { counter, procedure } = counting();
  const scene = new Scene(procedure);
  await using _server = await scene.serve();
  for (const credit of [0, -1, 1.5, "7", null, {}]) {
    const bytes = { headers: { "rpc-credit-bytes": credit as number } };
    for (const asked of [asking(credit), asking(7, bytes)]) {
      scene.ask("", asked);
      const { code, detail } = await scene.problem();
      assert.equal(code, "invalid_argument", detail);
    }
  }
  assert.equal(counter.made, 0);
});

Deno.test("a stream that its caller no longer waits for is not begun", async () => {
  const { counter, procedure } = counting();
  const scene = new Scene(procedure);
  await using _server = await scene.serve({ graceMs: 0 });
  const asked = (ms: number) =>
    asking(1, { headers: { "rpc-start-by": Date.now() + ms } });
  scene.ask("", asked(-1));
  assert.equal((await scene.problem()).code, "deadline_exceeded");
  assert.equal(counter.made, 0);
  scene.ask("", asked(60_000));
  assert.equal((await takeAll(scene, 1))[0]!.text, "0");
});

Deno.test("an error comes after the items before it", async () => {
  const scene = new Scene(async function* () {
    yield "a";
    throw new TypeError("no more");
  });
  await using _server = await scene.serve();
  scene.ask("", asking(10));
  assert.equal((await takeAll(scene, 1))[0]!.text, "a");
  const { code, detail } = await scene.problem();
  assert.deepEqual([code, detail], ["internal", "no more"]);
  const answered = scene.events.find(({ type }) => type === "answered");
  assert.ok(answered?.type === "answered");
  assert.deepEqual([answered.items, answered.error?.code], [1, "internal"]);
});

Deno.test("an item that can't be sent ends the stream, and its source", async () => {
  const wrong: unknown[] = [
    () => {},
    new Map(),
    { body: "x", headers: { CC: "q" } },
    new Uint8Array(1_001),
  ];
  for (const item of wrong) {
    const ended = Promise.withResolvers<void>();
    const scene = new Scene(async function* () {
      try {
        yield "good";
        yield item;
      } finally {
        ended.resolve();
      }
    });
    await using _server = await scene.serve({ maxReplyBytes: 1_000 });
    scene.ask("", asking(10));
    await takeAll(scene, 1);
    const { code } = await scene.problem();
    const isLarge = item instanceof Uint8Array;
    assert.equal(code, isLarge ? "resource_exhausted" : "internal");
    await within("the source's end", ended.promise);
  }
});

Deno.test("ReadableStream and Response are streams", async () => {
  const results: Record<string, () => unknown> = {
    readable: () => ReadableStream.from(["a", "b"]),
    response: () =>
      new Response(
        ReadableStream.from(["a", "b"]).pipeThrough(new TextEncoderStream()),
      ),
  };
  const scene = new Scene((request) => results[request.text()]!() as object);
  await using _server = await scene.serve();
  for (const name of Object.keys(results)) {
    scene.ask(name, asking(10));
    const messages = await takeAll(scene, 3);
    assert.deepEqual(messages.map(({ text }) => text), ["a", "b", ""], name);
  }
});

Deno.test("any other result is a reply, a stream of one", async () => {
  const scene = new Scene((request) => request.text() + "!");
  await using _server = await scene.serve();
  scene.ask("hi", asking(10));
  const [{ text, properties }] = await takeAll(scene, 1);
  assert.deepEqual([text, properties], ["hi!", { correlationId: "1" }]);
});

Deno.test("a plain request gets one reply, joined", async () => {
  const results: Record<string, unknown[]> = {
    text: ["a", "b"],
    bytes: ["a", new Uint8Array([98])],
    json: [1, { two: 2 }, "three", null],
    none: [],
  };
  const scene = new Scene(async function* (request) {
    yield* results[request.text()]!;
  });
  await using _server = await scene.serve();
  const replies: [string, string | undefined][] = [];
  for (const name of Object.keys(results)) {
    scene.ask(name);
    const [{ text, properties }] = await takeAll(scene, 1);
    replies.push([text, properties.contentType]);
  }
  assert.deepEqual(replies, [
    ["ab", undefined],
    ["ab", undefined],
    ['[1,{"two":2},"three",null]', "application/json"],
    ["", undefined],
  ]);
});

Deno.test("a joined reply is within the limit of replies", async () => {
  const { counter, procedure } = counting();
  const scene = new Scene(procedure);
  await using _server = await scene.serve({ maxReplyBytes: 1_000 });
  scene.ask("");
  const { code } = await scene.problem();
  assert.equal(code, "resource_exhausted");
  await within("the source's end", counter.stopped.promise);
  assert.ok(counter.made < 1_000);
});

Deno.test("streams have limits: items, bytes, and how many there are", async () => {
  const { procedure } = counting();
  const scene = new Scene(procedure);
  await using _server = await scene.serve({
    maxStreamItems: 3,
    maxStreamBytes: 1_000,
    maxStreams: 1,
    graceMs: 0,
  });
  scene.ask("", asking(10));
  await takeAll(scene, 3);
  assert.equal((await scene.problem()).code, "resource_exhausted");
  // One that waits for credit is still open.
  scene.ask("", asking(1));
  await takeAll(scene, 1);
  scene.ask("", asking(1));
  const { code, detail } = await scene.problem();
  assert.equal(code, "resource_exhausted", detail);
  assert.match(detail, /limit allows: 1$/);
});

Deno.test("a caller that is gone ends its streams, and those of no other", async () => {
  const { counter, procedure } = counting();
  const scene = new Scene(procedure);
  const { broker } = scene;
  await using server = await scene.serve({ graceMs: 0 });
  scene.ask("", asking(1));
  await takeAll(scene, 1);
  const other = broker.declareUnnamed();
  scene.ask("", asking(3, { replyTo: other }));
  const { properties } = await broker.take(other);
  assert.equal(server.streams.open, 2);
  broker.delete(other);
  broker.send(properties.replyTo!, "", {
    type: "credit",
    correlationId: "2",
    headers: { ...properties.headers, "rpc-credit": 4 },
  });
  await within("the end", counter.stopped.promise);
  assert.equal(server.streams.open, 1);
});

Deno.test("a stream tells every 5 s that it is alive, whatever it waits for", async () => {
  using time = new FakeTime(0);
  const { procedure } = counting();
  const scene = new Scene(procedure);
  await using _server = await scene.serve({ graceMs: 0 });
  scene.ask("", asking(1));
  await takeAll(scene, 1);
  for (let n = 0; n < 3; n++) {
    await passes(time, 5_500);
    const [{ properties }] = await takeAll(scene, 1);
    assert.equal(properties.type, "alive");
    assert.equal(typeof properties.headers!["rpc-run"], "string");
    assert.match(properties.replyTo!, /^amq\.gen-/);
  }
});

Deno.test("a run without a first item tells as well", async () => {
  using time = new FakeTime(0);
  const never = Promise.withResolvers<string>();
  const scene = new Scene(() => never.promise);
  await using _server = await scene.serve();
  scene.ask("", asking(1));
  await turns();
  await passes(time, 5_500);
  assert.equal((await takeAll(scene, 1))[0]!.properties.type, "alive");
  never.resolve("at last");
  assert.equal((await takeAll(scene, 1))[0]!.text, "at last");
});

Deno.test("handlerTimeoutMs is the time to the next item, stallTimeoutMs that for credit", async () => {
  using time = new FakeTime(0);
  const gate = Promise.withResolvers<void>();
  const scene = new Scene(async function* () {
    yield "a";
    await gate.promise;
  });
  await using _server = await scene.serve({
    handlerTimeoutMs: 1_000,
    stallTimeoutMs: 3_000,
  });
  scene.ask("", asking(1));
  await takeAll(scene, 1);
  await passes(time, 2_500);
  assert.equal(waiting(scene), 0);
  await passes(time, 1_000);
  assert.match((await scene.problem()).detail, /took no item for 3s$/);
  scene.ask("", asking(10));
  await takeAll(scene, 1);
  await passes(time, 1_200);
  assert.match((await scene.problem()).detail, /no item within .* of 1s$/);
  gate.resolve();
});

Deno.test("progress is told to whoever asks, before the reply", async () => {
  const scene = new Scene((_, context) => {
    for (let done = 1; done <= 3; done++) context.progress({ done, total: 3 });
    return "done";
  });
  await using _server = await scene.serve();
  scene.ask("", { headers: { "rpc-progress": "p1" } });
  const messages = await takeAll(scene, 4);
  assert.deepEqual(
    messages.map(({ text, properties: { type, correlationId } }) => [
      text,
      type,
      correlationId,
    ]),
    [
      ['{"done":1,"total":3}', "progress", "p1"],
      ['{"done":2,"total":3}', "progress", "p1"],
      ['{"done":3,"total":3}', "progress", "p1"],
      ["done", undefined, "1"],
    ],
  );
  scene.ask("");
  assert.equal((await takeAll(scene, 1))[0]!.text, "done");
});

Deno.test("of progress that the broker does not take the newest counts", async () => {
  const scene = new Scene(async (_, context) => {
    for (let done = 1; done <= 1_000; done++) context.progress(done);
    await turns();
    return "done";
  });
  await using _server = await scene.serve();
  scene.ask("", { headers: { "rpc-progress": "p1" } });
  const told: string[] = [];
  do told.push((await takeAll(scene, 1))[0]!.text); while (
    told.at(-1) !== "done"
  );
  assert.equal(told.at(-2), "1000");
  assert.ok(told.length < 100, `${told.length}`);
});

Deno.test("stop() lets a stream end, and gives it back after the grace", async () => {
  const gate = Promise.withResolvers<void>();
  const scene = new Scene(async function* () {
    yield "a";
    await gate.promise;
    yield "b";
  });
  const server = await scene.serve();
  scene.ask("", asking(10));
  await takeAll(scene, 1);
  const stopped = server.stop();
  gate.resolve();
  assert.equal((await takeAll(scene, 2))[0]!.text, "b");
  await stopped;

  const { counter, procedure } = counting();
  const endless = new Scene(procedure);
  const other = await endless.serve();
  endless.ask("", asking(2));
  await takeAll(endless, 2);
  await other.stop({ graceMs: 0 });
  await within("the source's end", counter.stopped.promise);
  assert.equal(endless.broker.inspect("q")!.messages, 1);
});

Deno.test("a server goes on with its stream over another connection", async () => {
  const { counter, procedure } = counting();
  const scene = new Scene(procedure);
  const { broker } = scene;
  await using _server = await scene.serve({ graceMs: 0 });
  scene.ask("", asking(4));
  const [first] = await takeAll(scene, 2);
  // Two of the four are confirmed, as far as the server knows.
  await turns();
  await scene.transport.lose();
  await broker.until("two more messages", () => waiting(scene) > 2);
  const rest = await takeAll(scene, 3);
  assert.deepEqual(rest.map(({ text }) => text), ["2", "3", ""]);
  const alive = rest[2]!.properties;
  assert.equal(alive.type, "alive");
  assert.equal(
    alive.headers!["rpc-run"],
    first!.properties.headers!["rpc-run"],
  );
  assert.notEqual(alive.replyTo, first!.properties.replyTo);
  broker.send(alive.replyTo!, "", {
    type: "credit",
    correlationId: "1",
    headers: { ...alive.headers, "rpc-credit": 5 },
  });
  assert.equal((await takeAll(scene, 1))[0]!.text, "4");
  assert.equal(counter.made, 5);
});

Deno.test("items that were not confirmed are sent again over another connection", async () => {
  const gate = Promise.withResolvers<void>();
  const scene = new Scene(async function* () {
    yield "a";
    yield "b";
    await gate.promise;
  });
  const { broker } = scene;
  await using _server = await scene.serve();
  const confirm = broker.hold("confirm");
  scene.ask("", asking(4));
  await takeAll(scene, 2);
  await scene.transport.lose();
  confirm();
  const again = await takeAll(scene, 2);
  assert.deepEqual(again.map(({ text }) => text), ["a", "b"]);
  assert.deepEqual(
    again.map(({ properties }) => properties.headers!["rpc-seq"]),
    [0, 1],
  );
  assert.match(again[0]!.properties.replyTo!, /^amq\.gen-control/);
  gate.resolve();
  assert.equal((await takeAll(scene, 1))[0]!.properties.type, "end");
});

Deno.test("a run that may not be the first says so before anything else", async () => {
  const scene = new Scene(async function* ({ redelivered }) {
    if (!redelivered) yield await new Promise<string>(() => {});
  });
  const first = await scene.serve({ graceMs: 0 });
  scene.ask("", asking(4));
  await scene.broker.until("a run", () => scene.eventsOf("request").length > 0);
  await first.stop();
  await using _second = await scene.serve();
  const [alive, end] = await takeAll(scene, 2);
  assert.equal(alive!.properties.type, "alive");
  assert.equal(typeof alive!.properties.headers!["rpc-run"], "string");
  assert.equal(end!.properties.type, "end");
});

Deno.test("no run begins after the time for its first item", async () => {
  const { counter, procedure } = counting();
  const scene = new Scene(procedure);
  await using _server = await scene.serve();
  scene.ask("", asking(4, { headers: { "rpc-start-by": Date.now() - 1 } }));
  const { code, detail } = await scene.problem();
  assert.equal(code, "deadline_exceeded", detail);
  assert.equal(counter.made, 0);
});
