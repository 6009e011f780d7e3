// Tests of src/rpc/serving/results.ts and src/rpc/serving/response.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { RpcError } from "../../../src/rpc/errors.ts";
import type { ReplyInit, RpcResult } from "../../../src/rpc/procedure.ts";
import { sendable } from "../../../src/rpc/serving/results.ts";
import { Scene } from "../../support/serving.ts";

const limits = {
  maxReplyBytes: 100_000,
  signal: new AbortController().signal,
};

/** What the reply holds when this is returned. */
async function replyOf(result: unknown): Promise<ReplyInit> {
  const reply = await sendable(result as RpcResult, limits);
  assert.ok(typeof reply === "object" && "body" in reply);
  return reply;
}

async function failureOf(result: unknown): Promise<RpcError> {
  try {
    await sendable(result as RpcResult, limits);
  } catch (error) {
    assert.ok(error instanceof RpcError);
    return error;
  }
  throw new Error("it was sendable");
}

Deno.test("any JSON value is sent as JSON", async () => {
  // A string and bytes are sent as they are; nothing else is.
  const value = fc.jsonValue().filter((it) => typeof it !== "string");
  await fc.assert(fc.asyncProperty(value, async (it) => {
    const { body, contentType } = await replyOf(it);
    assert.equal(contentType, "application/json");
    assert.equal(body, JSON.stringify(it));
  }));
});

Deno.test("toJSON is obeyed, and what is undefined is left out", async () => {
  const { body } = await replyOf({ at: new Date(0), none: undefined });
  assert.equal(body, '{"at":"1970-01-01T00:00:00.000Z"}');
});

Deno.test("a reply has a body of text or bytes, and nothing strange", async () => {
  const replies = [
    { body: "x" },
    { body: new Uint8Array(3), headers: { a: 1 } },
    { body: "", contentType: "text/plain", headers: undefined },
  ];
  for (const reply of replies) assert.equal(await replyOf(reply), reply);
  const values = [
    { body: 1 },
    { body: { a: 1 } },
    { body: "x", id: 7 },
    { body: "x", headers: "none" },
    { body: "x", contentType: 5 },
    { headers: {} },
  ];
  for (const value of values) {
    assert.deepEqual(await replyOf(value), {
      body: JSON.stringify(value),
      contentType: "application/json",
    });
  }
});

Deno.test("bytes are bytes in whatever form they are", async () => {
  const { buffer } = Uint8Array.of(0, 1, 2, 3);
  const shared = new SharedArrayBuffer(4);
  new Uint8Array(shared).set([0, 1, 2, 3]);
  const part = new DataView(Uint8Array.of(9, 0, 1, 2, 3, 9).buffer, 1, 4);
  for (const it of [buffer, shared, part, new Uint16Array(buffer)]) {
    const alone = await sendable(it, limits) as Uint8Array;
    assert.deepEqual([...alone], [0, 1, 2, 3], it.constructor.name);
    const { body } = await replyOf({ body: it, contentEncoding: "gzip" });
    assert.deepEqual([...body as Uint8Array], [0, 1, 2, 3]);
  }
});

Deno.test("what JSON would lose is an error that says so", async () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const lost: [unknown, RegExp][] = [
    [5n, /: a bigint$/],
    [NaN, /: the number NaN$/],
    [{ rate: Infinity }, /: the number Infinity in "rate"$/],
    [() => "", /: a function$/],
    [Symbol(), /: a symbol$/],
    [{ run() {} }, /: a function in "run"$/],
    [[new Map()], /: Map in "0"$/],
    [new Set(), /: Set$/],
    [[new ArrayBuffer(1)], /: ArrayBuffer in "0"$/],
    [new Error("returned, not thrown"), /: Error$/],
    [{ file: new Blob([]) }, /: Blob in "file"$/],
    [{ bytes: new Uint8Array(1) }, /: Uint8Array in "bytes"$/],
    [{ user: Promise.resolve(1) }, /: Promise in "user"$/],
    [{ toJSON() {} }, /: a toJSON that returns nothing$/],
    [loop, /: Converting circular structure to JSON$/],
  ];
  for (const [value, why] of lost) {
    const { code, message } = await failureOf(value);
    assert.equal(code, "internal");
    assert.match(message, /^the procedure returned what JSON can't hold: /);
    assert.match(message, why);
  }
});

Deno.test("a Response is read: body, MIME type, headers", async () => {
  const headers = { "x-cost": "3", "content-length": "7" };
  const { body, ...rest } = await replyOf(
    Response.json({ a: 1 }, { headers }),
  );
  assert.equal(new TextDecoder().decode(body as Uint8Array), '{"a":1}');
  assert.deepEqual(rest, {
    contentType: "application/json",
    headers: { "x-cost": "3" },
  });
  const bare = await replyOf(new Response(new Uint8Array([255, 0])));
  assert.deepEqual(bare, {
    body: new Uint8Array([255, 0]),
    contentType: undefined,
    headers: {},
  });
});

Deno.test("a Response that failed is an error reply", async () => {
  const missing = new Response(" no user 7\n", { status: 404 });
  const { code, message, details } = await failureOf(missing);
  assert.deepEqual([code, message, details], [
    "not_found",
    "no user 7",
    { status: 404 },
  ]);
  const teapot = await failureOf(new Response(null, { status: 418 }));
  assert.deepEqual([teapot.code, teapot.message], ["unknown", "status 418"]);
  const long = new Response("x".repeat(9_999), { status: 500 });
  assert.equal((await failureOf(long)).message.length, 1_000);
});

/** A body without an end, in pieces of 1,000 bytes, and what was asked of it. */
function endless(chunk = new Uint8Array(1_000)) {
  const canceled = Promise.withResolvers<unknown>();
  let pulls = 0;
  const stream = new ReadableStream({
    pull(controller) {
      pulls++;
      controller.enqueue(chunk);
    },
    cancel: canceled.resolve,
  });
  return { stream, canceled: canceled.promise, pulls: () => pulls };
}

Deno.test("a Response over the limit is canceled where it passes it", async () => {
  const { stream, canceled, pulls } = endless();
  const { code, message } = await failureOf(new Response(stream));
  assert.equal(code, "resource_exhausted");
  assert.match(message, /^a reply of more than 100000: /);
  await canceled;
  assert.ok(pulls() < 110, `${pulls()}`);
});

Deno.test("the body of a failed Response is read as far as it is shown", async () => {
  const { stream, canceled, pulls } = endless(new Uint8Array(1_000).fill(120));
  const { code, message } = await failureOf(
    new Response(stream, { status: 500 }),
  );
  assert.deepEqual([code, message], ["internal", "x".repeat(1_000)]);
  await canceled;
  assert.ok(pulls() < 10, `${pulls()}`);
});

Deno.test("a Response that nobody wants any more is canceled", async () => {
  const aborting = new AbortController();
  const asked = Promise.withResolvers<void>();
  const canceled = Promise.withResolvers<unknown>();
  const stream = new ReadableStream({
    // It never comes.
    pull: () => asked.resolve(),
    cancel: canceled.resolve,
  });
  const { signal } = aborting;
  const reading = sendable(new Response(stream), { ...limits, signal });
  await asked.promise;
  aborting.abort("too late");
  assert.equal(await canceled.promise, "too late");
  await reading;
});

Deno.test("a Response that comes after the end of its run is canceled", async () => {
  const { stream, canceled } = endless();
  const late = Promise.withResolvers<Response>();
  const scene = new Scene(() => late.promise);
  await using _server = await scene.serve({ handlerTimeoutMs: 10 });
  scene.ask("");
  const { properties } = await scene.broker.take(scene.callback);
  assert.equal(properties.type, "error");
  late.resolve(new Response(stream));
  await canceled;
});

Deno.test("a stream over the limit is canceled where it passes it", async () => {
  const { stream, canceled, pulls } = endless();
  const { code, message } = await failureOf(stream);
  assert.equal(code, "resource_exhausted");
  assert.match(message, /^a reply of more than 100000: /);
  await canceled;
  assert.ok(pulls() < 110, `${pulls()}`);
});

Deno.test("a stream that never waits is canceled while it is joined", async () => {
  const running = new AbortController();
  let items = 0;
  async function* ticks() {
    for (;; items++) yield "";
  }
  const result = sendable(ticks(), { ...limits, signal: running.signal });
  setTimeout(() => running.abort(new Error("unwanted")), 1);
  await result;
  assert.ok(items > 0);
});

Deno.test("a server sends what it is given, and says what it can't", async () => {
  const results: Record<string, RpcResult | Promise<RpcResult>> = {
    object: { a: [1, null] },
    later: Promise.resolve([true]),
    response: new Response("hi", { headers: { "content-type": "text/x" } }),
    lost: Promise.resolve({ big: 5n }),
  };
  const scene = new Scene(({ type }) => results[type]);
  await using _server = await scene.serve();
  const received = async (type: string) => {
    scene.ask("", { type });
    const { text, properties } = await scene.broker.take(scene.callback);
    return [text, properties.contentType];
  };
  const json = "application/json";
  assert.deepEqual(await received("object"), ['{"a":[1,null]}', json]);
  assert.deepEqual(await received("later"), ["[true]", json]);
  assert.deepEqual(await received("response"), ["hi", "text/x"]);
  scene.ask("", { type: "lost" });
  const { code, detail } = await scene.problem();
  assert.equal(code, "internal");
  assert.match(detail, /can't hold: a bigint in "big"$/);
  // It is known before the reply is sent that it is an error.
  assert.equal(scene.eventsOf("answered").at(-1)?.error?.code, "internal");
});
