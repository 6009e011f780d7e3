// The store of outcomes: what goes when it is full.

import assert from "node:assert/strict";
import {
  ReplyCache,
  type ReplyCacheLimits,
} from "../../src/rpc/serving/reply_cache.ts";

function storedAfter(limits: ReplyCacheLimits, bodies: string[]): string[] {
  const replyCache = new ReplyCache(limits);
  for (const body of bodies) replyCache.store(body, { result: body });
  return bodies.filter((body) => replyCache.find(body) !== undefined);
}

Deno.test("the oldest outcome is forgotten when there are too many", () => {
  assert.deepEqual(storedAfter({ maxCount: 2 }, ["a", "b", "c"]), ["b", "c"]);
});

Deno.test("the oldest outcomes are forgotten when they are too large", () => {
  const bodies = ["aaaa", "bb", "ccc"];
  assert.deepEqual(storedAfter({ maxBytes: 5 }, bodies), ["bb", "ccc"]);
});

Deno.test("an outcome too large for the store pushes nothing out of it", () => {
  assert.deepEqual(storedAfter({ maxBytes: 3 }, ["aa", "bbbb"]), ["aa"]);
});

Deno.test("bodies of every form count", () => {
  const forms = [
    "four",
    new Uint8Array(4),
    { body: "four" },
    { body: new Uint8Array(4) },
  ];
  for (const result of forms) {
    const replyCache = new ReplyCache({ maxBytes: 7 });
    replyCache.store("first", { result: "1234" });
    replyCache.store("second", { result });
    assert.equal(replyCache.find("first"), undefined);
    assert.deepEqual(replyCache.find("second"), { result });
  }
});

Deno.test("storing under the same key again counts once", () => {
  const replyCache = new ReplyCache({ maxBytes: 6 });
  replyCache.store("a", { result: "aaaa" });
  replyCache.store("a", { result: "bbbb" });
  replyCache.store("b", { result: "cc" });
  assert.deepEqual(replyCache.find("a"), { result: "bbbb" });
  assert.equal(replyCache.size, 2);
});
