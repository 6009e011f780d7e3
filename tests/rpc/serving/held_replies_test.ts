// Tests of src/rpc/serving/held_replies.ts.

import assert from "node:assert/strict";
import { HeldReplies } from "../../../src/rpc/serving/held_replies.ts";
import { requestOf } from "../../reliability/requests.ts";
import { FakeTime } from "../../support/fake_time.ts";

const NOW_MS = 1_000_000;

function reply(name: string, afterMs: number, bytes = 1) {
  const message = { body: new Uint8Array(bytes), properties: {} };
  return {
    request: requestOf({ body: "" }),
    replyTo: name,
    message,
    isError: false,
    dueMs: performance.now() + afterMs,
    suspect: false,
  };
}

const names = (replies: { replyTo: string }[]) =>
  replies.map(({ replyTo }) => replyTo);

Deno.test("replies are held in order, and taken once", () => {
  using _time = new FakeTime(NOW_MS);
  const held = new HeldReplies();
  assert.deepEqual(held.hold(reply("a", 10)), []);
  held.hold(reply("b", 10));
  assert.equal(held.size, 2);
  assert.deepEqual(names(held.take()), ["a", "b"]);
  assert.equal(held.size, 0);
  assert.deepEqual(held.take(), []);
});

Deno.test("a reply that nobody awaits any more is forgotten", () => {
  using time = new FakeTime(NOW_MS);
  const held = new HeldReplies();
  held.hold(reply("a", 10));
  held.hold(reply("b", 1_000));
  time.advance(10);
  assert.deepEqual(names(held.take()), ["b"]);
});

Deno.test("a reply without a deadline is held for a minute", () => {
  using time = new FakeTime(NOW_MS);
  const held = new HeldReplies();
  held.hold(reply("a", Infinity));
  time.advance(59_999);
  const [again] = held.take();
  assert.equal(again.replyTo, "a");
  held.hold(reply("b", Infinity));
  time.advance(120_000);
  assert.deepEqual(held.take(), []);
});

Deno.test("the oldest go when there are too many, or too large ones", () => {
  using _time = new FakeTime(NOW_MS);
  const many = new HeldReplies();
  for (let n = 0; n < 10_000; n++) {
    assert.deepEqual(many.hold(reply(`${n}`, 10, 0)), []);
  }
  assert.deepEqual(names(many.hold(reply("last", 10, 0))), ["0"]);
  const large = new HeldReplies();
  large.hold(reply("a", 10, 40 * 1024 * 1024));
  const dropped = large.hold(reply("b", 10, 40 * 1024 * 1024));
  assert.deepEqual(names(dropped), ["a"]);
  assert.deepEqual(names(large.take()), ["b"]);
});

Deno.test("a wall clock that is set neither drops a reply nor keeps it", () => {
  using time = new FakeTime(NOW_MS);
  const held = new HeldReplies();
  held.hold(reply("a", 10));
  time.setWallClock(6_000);
  assert.deepEqual(names(held.take()), ["a"]);
  held.hold(reply("b", 10));
  time.setWallClock(-12_000);
  time.advance(10);
  assert.deepEqual(held.take(), []);
});
