// Tests of src/async/semaphore.ts.

import assert from "node:assert/strict";
import { Slots } from "../../src/async/semaphore.ts";
import { turns } from "../support/within.ts";

const { signal: never } = new AbortController();

/** Takes a place, and notes when it has one. */
function taking(slots: Slots, name: string, order: string[]): Promise<void> {
  return slots.take(never).then(() => void order.push(name));
}

Deno.test("there are so many places, given in order", async () => {
  const slots = new Slots(2);
  const order: string[] = [];
  const all = ["a", "b", "c", "d"].map((name) => taking(slots, name, order));
  await turns();
  assert.deepEqual(order, ["a", "b"]);
  slots.release();
  await turns();
  assert.deepEqual(order, ["a", "b", "c"]);
  slots.release();
  await Promise.all(all);
  assert.deepEqual(order, ["a", "b", "c", "d"]);
});

Deno.test("places that nobody waits for are kept", async () => {
  const slots = new Slots(1);
  await slots.take(never);
  slots.release();
  await slots.take(never);
  let third = false;
  const waiting = slots.take(never).then(() => third = true);
  await turns();
  assert.equal(third, false);
  slots.release();
  await waiting;
});

Deno.test("who gives up waiting takes no place", async () => {
  const slots = new Slots(1);
  await slots.take(never);
  const patience = new AbortController();
  const reason = new Error("enough");
  const givingUp = assert.rejects(slots.take(patience.signal), reason);
  patience.abort(reason);
  await givingUp;
  await assert.rejects(slots.take(patience.signal), reason);
  slots.release();
  await slots.take(never);
});
