// The store of outcomes: what is remembered, for how long, under which key.

import assert from "node:assert/strict";
import { RPC_CODES, type RpcCode, RpcError } from "../../src/rpc/errors.ts";
import {
  redeliveryKey,
  replayKey,
  type ReplayLimits,
  Replays,
} from "../../src/rpc/replays.ts";
import { requestOf } from "./requests.ts";

function storedAfter(limits: ReplayLimits, bodies: string[]): string[] {
  const replays = new Replays(limits);
  for (const body of bodies) replays.store(body, { result: body });
  return bodies.filter((body) => replays.find(body) !== undefined);
}

Deno.test("an outcome is found under its key, and no other", () => {
  const replays = new Replays();
  const outcome = { result: "55" };
  replays.store("a", outcome);
  assert.equal(replays.find("a"), outcome);
  assert.equal(replays.find("b"), undefined);
});

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

Deno.test("an outcome is forgotten with age, and makes room", () => {
  const realNow = Date.now;
  let nowMs = realNow();
  Date.now = () => nowMs;
  try {
    const replays = new Replays({ maxAgeMs: 1000 });
    replays.store("a", { result: "a" });
    replays.store("b", { result: "b" });
    nowMs += 999;
    assert.ok(replays.find("a"));
    nowMs += 1;
    assert.equal(replays.find("a"), undefined);
    replays.store("c", { result: "c" });
    // "b" is too old as well: nobody asked for it, and still it is gone.
    assert.equal(replays.size, 1);
  } finally {
    Date.now = realNow;
  }
});

Deno.test("errors are stored, unless another attempt may do better", () => {
  const transient: RpcCode[] = [
    "aborted",
    "canceled",
    "deadline_exceeded",
    "resource_exhausted",
    "unavailable",
  ];
  for (const code of Object.keys(RPC_CODES) as RpcCode[]) {
    const replays = new Replays();
    replays.store("key", { error: new RpcError(code, "no") });
    const found = replays.find("key") !== undefined;
    assert.equal(found, !transient.includes(code), code);
  }
});

Deno.test("the same call has the same key, another call another", () => {
  const same = { messageId: "1", type: "add", body: "2" };
  const key = replayKey(requestOf(same));
  assert.equal(typeof key, "string");
  assert.equal(replayKey(requestOf({ ...same, correlationId: "x" })), key);
  for (const other of [{ messageId: "2" }, { type: "sub" }, { body: "3" }]) {
    assert.notEqual(replayKey(requestOf({ ...same, ...other })), key);
  }
});

Deno.test("requests without our marker, or without an id, have no key", () => {
  const foreign = { messageId: "1", correlationId: "2", headers: {} };
  assert.equal(replayKey(requestOf(foreign)), undefined);
  assert.equal(redeliveryKey(requestOf(foreign)), undefined);
  const anonymous = { messageId: undefined, correlationId: undefined };
  assert.equal(replayKey(requestOf(anonymous)), undefined);
  assert.equal(redeliveryKey(requestOf(anonymous)), undefined);
  assert.equal(redeliveryKey(requestOf({ correlationId: "2" })), "2");
});
