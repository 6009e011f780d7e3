// Replies that wait for a connection: for how long, and how many.

import assert from "node:assert/strict";
import { HeldReplies, type HeldReply } from "../../src/rpc/held_replies.ts";

const MIB = 1024 * 1024;

function heldReply(id: string, parts: { bytes?: number; deadlineMs?: number }) {
  const { bytes = 1, deadlineMs = Date.now() + 60_000 } = parts;
  const body = new Uint8Array(bytes);
  const message = { body, properties: { correlationId: id } };
  return { replyTo: "callback", message, deadlineMs };
}

function ids(replies: HeldReply[]): (string | undefined)[] {
  return replies.map(({ message }) => message.properties.correlationId);
}

Deno.test("held replies are taken once, in order", () => {
  const held = new HeldReplies();
  for (const id of ["a", "b"]) held.hold(heldReply(id, {}));
  assert.deepEqual(ids(held.take()), ["a", "b"]);
  assert.equal(held.size, 0);
  assert.deepEqual(held.take(), []);
});

Deno.test("a reply that nobody awaits any more is not taken", () => {
  const held = new HeldReplies();
  held.hold(heldReply("late", { deadlineMs: Date.now() - 1 }));
  held.hold(heldReply("in time", {}));
  assert.deepEqual(ids(held.take()), ["in time"]);
});

Deno.test("a reply without a deadline is held for a limited time", () => {
  const realNow = Date.now;
  try {
    const held = new HeldReplies();
    held.hold(heldReply("a", { deadlineMs: Infinity }));
    const [{ deadlineMs }] = held.take();
    assert.ok(deadlineMs > realNow() && deadlineMs < realNow() + 600_000);
    held.hold(heldReply("b", { deadlineMs: Infinity }));
    Date.now = () => deadlineMs + 600_000;
    assert.deepEqual(held.take(), []);
  } finally {
    Date.now = realNow;
  }
});

Deno.test("the oldest reply goes when there are too many", () => {
  const held = new HeldReplies();
  for (let n = 1; n <= 10_000; n++) {
    assert.deepEqual(held.hold(heldReply(`${n}`, {})), []);
  }
  assert.deepEqual(ids(held.hold(heldReply("last", {}))), ["1"]);
  assert.equal(held.size, 10_000);
});

Deno.test("the oldest replies go when they are too large together", () => {
  const held = new HeldReplies();
  const large = (id: string) => heldReply(id, { bytes: 24 * MIB });
  assert.deepEqual(held.hold(large("a")), []);
  assert.deepEqual(held.hold(large("b")), []);
  assert.deepEqual(ids(held.hold(large("c"))), ["a"]);
  // What was taken counts no longer.
  assert.deepEqual(ids(held.take()), ["b", "c"]);
  assert.deepEqual(held.hold(large("d")), []);
  assert.deepEqual(held.hold(large("e")), []);
});
