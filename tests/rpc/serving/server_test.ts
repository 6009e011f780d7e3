// Tests of src/rpc/serving/server.ts: requests and their answers.

import assert from "node:assert/strict";
import { RpcClient } from "../../../src/rpc/calling/client.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import type { Procedure, RpcResult } from "../../../src/rpc/procedure.ts";
import type { ServeOptions } from "../../../src/rpc/serving/serve_options.ts";
import { RpcServer } from "../../../src/rpc/serving/server.ts";
import { FakeBroker } from "../../support/fake_transport.ts";
import { Scene } from "../../support/serving.ts";
import { turns, within } from "../../support/within.ts";

const never: Procedure = () => new Promise(() => {});

Deno.test("a request is run, answered, confirmed and only then acknowledged", async () => {
  const scene = new Scene((request) => request.text().toUpperCase());
  await using server = await scene.serve();
  const release = scene.broker.hold("confirm");
  scene.ask("abc");
  const reply = await scene.broker.take(scene.callback);
  assert.equal(reply.text, "ABC");
  assert.deepEqual(reply.properties, { correlationId: "1" });
  await turns();
  assert.equal(scene.broker.log.includes("ack 1"), false);
  assert.equal(server.inFlight, 1);
  release();
  await scene.broker.seen("ack 1");
  assert.equal(server.inFlight, 0);
  const published = `publish ${scene.callback}`;
  const steps = scene.broker.log.slice(scene.broker.log.indexOf(published));
  const confirmed = `confirm ${scene.callback}`;
  assert.deepEqual(steps, [published, confirmed, "ack 1"]);
});

Deno.test("the procedure sees the request and its context", async () => {
  const { promise, resolve } = Promise.withResolvers<Parameters<Procedure>>();
  const scene = new Scene((...args) => resolve(args));
  await using _server = await scene.serve({ handlerTimeoutMs: 60_000 });
  const deadlineMs = Date.now() + 30_000;
  const headers = { "rpc-deadline": deadlineMs, h: 1 };
  scene.ask("x", { type: "t", messageId: "m", headers });
  const [request, context] = await within("the run", promise);
  assert.equal(request.queue, "q");
  assert.equal(request.text(), "x");
  assert.equal(request.type, "t");
  assert.equal(request.messageId, "m");
  assert.deepEqual(request.headers, headers);
  assert.equal(request.replyTo, scene.callback);
  assert.equal(request.redelivered, false);
  assert.equal(request.deadlineMs, deadlineMs);
  assert.ok(Math.abs(context.deadlineMs - deadlineMs) <= 2);
  assert.equal(context.signal.aborted, false);
});

Deno.test("events tell of each request", async () => {
  const error = new RpcError("not_found", "no");
  const scene = new Scene((request) => {
    if (request.text() === "bad") throw error;
  });
  await using _server = await scene.serve();
  scene.ask("good");
  scene.ask("bad");
  await scene.broker.seen("ack 2");
  const told = scene.events.map((event) =>
    "request" in event ? `${event.type} ${event.request.text()}` : event.type
  );
  assert.deepEqual(told.sort(), [
    "answered bad",
    "answered good",
    "consuming",
    "request bad",
    "request good",
  ]);
  const answered = scene.events.filter((it) => it.type === "answered");
  assert.deepEqual(answered.map((it) => it.error), [undefined, error]);
});

Deno.test("a one-way request is run and acknowledged", async () => {
  let runs = 0;
  const scene = new Scene(() => `${++runs}`);
  await using _server = await scene.serve();
  scene.broker.send("q", "");
  await scene.broker.seen("ack 1");
  assert.equal(runs, 1);
  const published = scene.broker.log.filter((it) => /^publish/.test(it));
  assert.deepEqual(published, ["publish q"]);
});

Deno.test("a reply_to that is the request queue is refused", async () => {
  const scene = new Scene(() => assert.fail("it must not run"));
  await using _server = await scene.serve();
  scene.broker.send("q", "", { replyTo: "q", correlationId: "1" });
  await scene.broker.seen("drop 1");
  await turns();
  const published = scene.broker.log.filter((it) => /^publish/.test(it));
  assert.deepEqual(published, ["publish q"]);
  const [event] = scene.eventsOf("request_dropped");
  assert.match(event.why, /reply_to/);
});

Deno.test("an expired request is answered without being run", async () => {
  const scene = new Scene(() => assert.fail("it must not run"));
  await using _server = await scene.serve();
  scene.ask("", { headers: { "rpc-deadline": Date.now() - 1 } });
  const problem = await scene.problem();
  assert.equal(problem.code, "deadline_exceeded");
  assert.match(problem.detail, /before the procedure started/);
  await scene.broker.seen("ack 1");
  assert.deepEqual(scene.eventsOf("request"), []);
});

Deno.test("a request that expires while it waits its turn is not run", async () => {
  const scene = new Scene((request, { signal }) => {
    assert.equal(request.text(), "first");
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  await using _server = await scene.serve({ concurrency: 1, prefetch: 2 });
  // Late enough for the first to be run.
  const soonMs = Date.now() + 300;
  scene.ask("first", { headers: { "rpc-deadline": soonMs } });
  scene.ask("second", { headers: { "rpc-deadline": soonMs } });
  const details = [await scene.problem(), await scene.problem()]
    .map(({ detail }) => detail);
  assert.match(details[0], /while the procedure ran/);
  assert.match(details[1], /before the procedure started/);
});

Deno.test("the handler's limit answers, tells by the signal and frees the place", async () => {
  const reasons: RpcError[] = [];
  const scene = new Scene((request, { signal }) => {
    if (request.text() === "quick") return "done";
    signal.addEventListener("abort", () => reasons.push(signal.reason));
    return new Promise(() => {});
  });
  const options = { handlerTimeoutMs: 30, concurrency: 1, prefetch: 2 };
  await using _server = await scene.serve(options);
  scene.ask("slow");
  scene.ask("quick");
  const problem = await scene.problem();
  assert.equal(problem.code, "deadline_exceeded");
  assert.match(problem.detail, /the server's limit of 30ms/);
  assert.equal((await scene.broker.take(scene.callback)).text, "done");
  await scene.broker.seen("ack 2");
  assert.deepEqual(reasons.map(({ code }) => code), ["deadline_exceeded"]);
});

const failures: [string, unknown, { code: string; detail: string }][] = [
  ["an RpcError", new RpcError("not_found", "no 7"), {
    code: "not_found",
    detail: "no 7",
  }],
  ["an Error", new TypeError("x is undefined"), {
    code: "internal",
    detail: "x is undefined",
  }],
  ["a string", "just text", { code: "internal", detail: "just text" }],
  ["undefined", undefined, { code: "internal", detail: "undefined" }],
];

for (const [what, thrown, expected] of failures) {
  Deno.test(`thrown: ${what}`, async () => {
    const scene = new Scene(() => {
      throw thrown;
    });
    await using _server = await scene.serve({ graceMs: 1 });
    scene.ask("");
    const { code, detail } = await scene.problem();
    assert.equal(code, expected.code);
    assert.equal(detail, expected.detail);
    await scene.broker.seen("ack 1");
  });
}

Deno.test("a promise that is rejected is an error reply", async () => {
  const scene = new Scene(() => Promise.reject(new RpcError("aborted", "x")));
  await using _server = await scene.serve();
  scene.ask("");
  assert.equal((await scene.problem()).code, "aborted");
});

Deno.test("results that can't be sent are the procedure's fault", async () => {
  for (const result of [5n, NaN, { body: () => "" }, Symbol()]) {
    const scene = new Scene(() => result as unknown as RpcResult);
    await using _server = await scene.serve();
    scene.ask("");
    assert.equal((await scene.problem()).code, "internal");
    await scene.broker.seen("ack 1");
  }
});

Deno.test("a reply that can't be written becomes an error reply", async () => {
  const headers = { ["x".repeat(256)]: "a name that is too long" };
  const scene = new Scene(() => ({ body: "x", headers }));
  await using _server = await scene.serve();
  scene.ask("");
  const { code, detail } = await scene.problem();
  assert.equal(code, "internal");
  assert.match(detail, /the reply could not be sent/);
  await scene.broker.seen("ack 1");
});

Deno.test("a reply that the broker refuses twice is dropped, and told of", async () => {
  const scene = new Scene(() => "x");
  scene.broker.refuse(scene.callback);
  await using _server = await scene.serve();
  scene.ask("");
  await scene.broker.seen("ack 1");
  const [event] = scene.eventsOf("reply_dropped");
  assert.equal(event.correlationId, "1");
  assert.match(event.why, /refused/);
});

Deno.test("a reply to a caller who is gone is told of and acknowledged", async () => {
  const scene = new Scene(() => "x");
  scene.broker.delete(scene.callback);
  await using _server = await scene.serve();
  scene.ask("");
  await scene.broker.seen("ack 1");
  const [event] = scene.eventsOf("reply_dropped");
  assert.equal(event.correlationId, "1");
  assert.match(event.why, /gone/);
});

Deno.test("client and server end to end", async () => {
  const scene = new Scene((request) => {
    const n = Number(request.text());
    if (n % 2 === 1) throw new RpcError("out_of_range", `${n} is odd`);
    return { body: String(n / 2), headers: { half: true } };
  });
  await using _server = await scene.serve({ concurrency: 4 });
  await using client = new RpcClient(scene.broker.connect());
  const calls = Array.from({ length: 200 }, async (_, n) => {
    try {
      const reply = await client.call("q", `${n}`);
      assert.deepEqual(reply.headers, { half: true });
      return reply.text();
    } catch (error) {
      assert.ok(error instanceof RpcError && error.remote);
      return error.message;
    }
  });
  const replies = await within("all", Promise.all(calls));
  replies.forEach((reply, n) => {
    assert.equal(reply, n % 2 === 1 ? `${n} is odd` : `${n / 2}`);
  });
  assert.equal(client.stats.inFlight, 0);
});

Deno.test("options out of range are refused, by name", () => {
  const refused = (options: ServeOptions, name: RegExp) => {
    const transport = new FakeBroker().connect();
    const bad = () => new RpcServer(transport, "q", never, options);
    assert.throws(
      bad,
      (error) => error instanceof RangeError && name.test(error.message),
    );
  };
  refused({ concurrency: 0 }, /^concurrency/);
  refused({ concurrency: 1.5 }, /^concurrency/);
  refused({ prefetch: 0 }, /^prefetch/);
  refused({ prefetch: 65_536 }, /^prefetch/);
  refused({ handlerTimeoutMs: 0 }, /^handlerTimeoutMs/);
  refused({ handlerTimeoutMs: Infinity }, /^handlerTimeoutMs/);
  refused({ count: 0 }, /^count/);
});

const WRONG: [unknown, RegExp][] = [
  [5_000, /^options must be an object, got the number 5000$/],
  [{ concurrency: "5" }, /^concurrency must be .*, got the string "5"$/],
  [{ replyTo: "shared" }, /^replyTo must be an array, got the string/],
  [{ interceptors: {} }, /^interceptors must be an array, got an Object$/],
  [{ onEvent: true }, /^onEvent must be a function, got the boolean true$/],
  [{ declare: "passive" }, /^declare must be an object/],
  [{ declare: { mode: "Passive" } }, /^declare.mode must be auto or passive/],
  [{ declare: { type: "stream" } }, /^declare.type must be classic or quorum/],
  [{ declare: { arguments: { a: null } } }, /arguments\["a"\] .* got null$/],
  [{ declare: { arguments: { a: 1e300 } } }, /must be a bigint beyond 2\^53/],
  [
    { declare: { arguments: { "x-queue-type": "quorum" } } },
    /"x-queue-type"\] is the string "quorum", but declare.type is "classic"$/,
  ],
  [
    {
      declare: {
        deadLetterExchange: "a",
        arguments: { "x-dead-letter-exchange": "b" },
      },
    },
    /is the string "b", but declare.deadLetterExchange is "a"$/,
  ],
];

for (const [options, message] of WRONG) {
  Deno.test(`plain JavaScript hears what is wrong: ${message.source}`, () => {
    const transport = new FakeBroker().connect();
    const bad = () => new RpcServer(transport, "q", never, options as never);
    assert.throws(bad, (error: Error) => message.test(error.message));
  });
}

Deno.test("a procedure has to be a function", () => {
  const transport = new FakeBroker().connect();
  const bad = () => new RpcServer(transport, "q", { fib() {} } as never);
  assert.throws(
    bad,
    new TypeError("procedure must be a function, got an Object"),
  );
});

Deno.test("a grace period out of range is refused, by name", () => {
  for (const graceMs of [-1, NaN, "5" as unknown as number]) {
    const transport = new FakeBroker().connect();
    const bad = () => new RpcServer(transport, "q", never, { graceMs });
    assert.throws(bad, /graceMs/, String(graceMs));
  }
});

Deno.test("a request that had to be delivered at once is run", async () => {
  for (const expiration of ["0", "1", "5"]) {
    const scene = new Scene(async (_, context) => {
      // Longer than it might have waited in its queue.
      await new Promise((resolve) => setTimeout(resolve, 20));
      const leftMs = context.deadlineMs - Date.now();
      return String(leftMs > 50_000 && leftMs <= 60_000);
    });
    await using _server = await scene.serve({ handlerTimeoutMs: 60_000 });
    scene.ask("", { expiration });
    assert.equal((await scene.broker.take(scene.callback)).text, "true");
  }
});

Deno.test("a caller's deadline holds whatever the expiration", async () => {
  const scene = new Scene(() => "done");
  await using _server = await scene.serve();
  const headers = { "rpc-deadline": Date.now() - 1 };
  scene.ask("", { expiration: "0", headers });
  assert.equal((await scene.problem()).code, "deadline_exceeded");
});
