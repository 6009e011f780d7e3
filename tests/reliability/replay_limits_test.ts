// The store of outcomes: what goes when it is full.

import assert from "node:assert/strict";
import { type ReplayLimits, Replays } from "../../src/rpc/serving/replays.ts";

function storedAfter(limits: ReplayLimits, bodies: string[]): string[] {
  const replays = new Replays(limits);
  for (const body of bodies) replays.store(body, { result: body });
  return bodies.filter((body) => replays.find(body) !== undefined);
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
    const replays = new Replays({ maxBytes: 7 });
    replays.store("first", { result: "1234" });
    replays.store("second", { result });
    assert.equal(replays.find("first"), undefined);
    assert.deepEqual(replays.find("second"), { result });
  }
});

Deno.test("storing under the same key again counts once", () => {
  const replays = new Replays({ maxBytes: 6 });
  replays.store("a", { result: "aaaa" });
  replays.store("a", { result: "bbbb" });
  replays.store("b", { result: "cc" });
  assert.deepEqual(replays.find("a"), { result: "bbbb" });
  assert.equal(replays.size, 2);
});
