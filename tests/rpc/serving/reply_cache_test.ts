// Tests of src/rpc/serving/reply_cache.ts.

import assert from "node:assert/strict";
import { RpcError } from "../../../src/rpc/errors.ts";
import {
  attemptId,
  callKey,
  redeliveryKey,
  ReplyCache,
} from "../../../src/rpc/serving/reply_cache.ts";
import type { MessageProperties } from "../../../src/rpc/messages.ts";
import { decodeRequest } from "../../../src/rpc/wire.ts";
import { FakeTime } from "../../support/fake_time.ts";

function request(properties: MessageProperties, text = "body", own = true) {
  const headers = own ? { "rpc-deadline": 1 } : {};
  const body = new TextEncoder().encode(text);
  return decodeRequest(
    {
      properties: { headers, ...properties },
      body,
      deliveryTag: 1,
      redelivered: false,
    },
    "q",
    0,
  );
}

Deno.test("what came of a request is found again", () => {
  const replyCache = new ReplyCache();
  const outcome = { result: "x" };
  assert.equal(replyCache.find("a"), undefined);
  replyCache.store("a", outcome);
  assert.equal(replyCache.find("a"), outcome);
  const failed = { error: new RpcError("not_found", "no") };
  replyCache.store("a", failed);
  assert.equal(replyCache.find("a"), failed);
  assert.equal(replyCache.size, 1);
});

Deno.test("what another attempt may mend is not remembered", () => {
  const replyCache = new ReplyCache();
  for (
    const code of ["unavailable", "deadline_exceeded", "canceled"] as const
  ) {
    replyCache.store("a", { error: new RpcError(code, "x") });
  }
  assert.equal(replyCache.size, 0);
});

Deno.test("the limits of count, bytes and age hold", () => {
  using time = new FakeTime(1_000);
  const few = new ReplyCache({ maxCount: 2 });
  for (const key of ["a", "b", "c"]) few.store(key, { result: key });
  assert.deepEqual([few.size, few.find("a")], [2, undefined]);

  const small = new ReplyCache({ maxBytes: 10 });
  small.store("a", { result: "123456" });
  small.store("b", { result: { body: new Uint8Array(6) } });
  assert.deepEqual([small.size, small.find("a")], [1, undefined]);
  small.store("c", { result: "x".repeat(11) });
  assert.deepEqual([small.size, small.find("c")], [1, undefined]);
  // Stored again under the same key it counts once.
  for (let n = 0; n < 9; n++) small.store("b", { result: "123456" });
  small.store("d", { result: "1234" });
  assert.equal(small.size, 2);

  const brief = new ReplyCache({ maxAgeMs: 100 });
  brief.store("a", { result: "x" });
  time.advance(99);
  assert.ok(brief.find("a"));
  time.advance(1);
  assert.equal(brief.find("a"), undefined);
  assert.equal(brief.size, 0);
});

Deno.test("the body of a reply with properties counts", () => {
  const small = new ReplyCache({ maxBytes: 10 });
  small.store("a", { result: { body: "12345678901", headers: {} } });
  small.store("b", { result: { body: new Uint8Array(10) } });
  small.store("c", { result: undefined });
  assert.deepEqual(
    ["a", "b", "c"].map((key) => small.find(key) !== undefined),
    [
      false,
      true,
      true,
    ],
  );
});

Deno.test("the same call is the same message id, method and body", () => {
  const key = callKey(request({ messageId: "m", type: "t" }));
  assert.ok(key);
  assert.equal(callKey(request({ messageId: "m", type: "t" })), key);
  const others = [
    request({ messageId: "n", type: "t" }),
    request({ messageId: "m", type: "u" }),
    request({ messageId: "m", type: "t" }, "another"),
  ];
  for (const other of others) assert.notEqual(callKey(other), key);
});

Deno.test("the ids of other clients mean nothing", () => {
  const ids = { messageId: "m", correlationId: "c" };
  assert.equal(callKey(request(ids, "", false)), undefined);
  assert.equal(attemptId(request(ids, "", false)), undefined);
  assert.equal(callKey(request({})), undefined);
  assert.equal(attemptId(request({ correlationId: "" })), undefined);
  assert.equal(attemptId(request(ids)), "c");
});

Deno.test("a redelivered request is known again, whoever sent it", () => {
  const ids = { correlationId: "c", replyTo: "r" };
  assert.equal(redeliveryKey(request(ids)), "c");
  const key = redeliveryKey(request(ids, "", false));
  assert.equal(redeliveryKey(request(ids, "", false)), key);
  const others = [
    request({ ...ids, correlationId: "d" }, "", false),
    request({ ...ids, replyTo: "s" }, "", false),
    request({ ...ids, type: "t" }, "", false),
    request(ids, "another", false),
  ];
  for (const other of others) assert.notEqual(redeliveryKey(other), key);
  // Nobody hears whether a one-way request was run once or twice.
  const oneWay = request({ correlationId: "c" }, "", false);
  assert.equal(redeliveryKey(oneWay), undefined);
});

Deno.test("a wall clock that is set changes no age", () => {
  using time = new FakeTime(1_000_000);
  const brief = new ReplyCache({ maxAgeMs: 100 });
  brief.store("a", { result: "x" });
  time.setWallClock(6_000);
  assert.ok(brief.find("a"));
  time.setWallClock(-12_000);
  time.advance(100);
  assert.equal(brief.find("a"), undefined);
});
