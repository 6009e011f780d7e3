// Tests of src/async/semaphore.ts.

import assert from "node:assert/strict";
import { Semaphore } from "../../src/async/semaphore.ts";
import { turns } from "../support/within.ts";

const { signal: never } = new AbortController();

/** Takes a place, and notes when it has one. */
function taking(
  semaphore: Semaphore,
  name: string,
  order: string[],
): Promise<void> {
  return semaphore.acquire(never).then(() => void order.push(name));
}

Deno.test("there are so many places, given in order", async () => {
  const semaphore = new Semaphore(2);
  const order: string[] = [];
  const all = ["a", "b", "c", "d"].map((name) =>
    taking(semaphore, name, order)
  );
  await turns();
  assert.deepEqual(order, ["a", "b"]);
  semaphore.release();
  await turns();
  assert.deepEqual(order, ["a", "b", "c"]);
  semaphore.release();
  await Promise.all(all);
  assert.deepEqual(order, ["a", "b", "c", "d"]);
});

Deno.test("places that nobody waits for are kept", async () => {
  const semaphore = new Semaphore(1);
  await semaphore.acquire(never);
  semaphore.release();
  await semaphore.acquire(never);
  let third = false;
  const waiting = semaphore.acquire(never).then(() => third = true);
  await turns();
  assert.equal(third, false);
  semaphore.release();
  await waiting;
});

Deno.test("who gives up waiting takes no place", async () => {
  const semaphore = new Semaphore(1);
  await semaphore.acquire(never);
  const patience = new AbortController();
  const reason = new Error("enough");
  const givingUp = assert.rejects(semaphore.acquire(patience.signal), reason);
  patience.abort(reason);
  await givingUp;
  await assert.rejects(semaphore.acquire(patience.signal), reason);
  semaphore.release();
  await semaphore.acquire(never);
});

Deno.test("an abort at the same time as a release loses no permit", async () => {
  const semaphore = new Semaphore(1);
  await semaphore.acquire(never);
  const aborting = new AbortController();
  const aborted = semaphore.acquire(aborting.signal);
  const order: string[] = [];
  const waiting = taking(semaphore, "next", order);
  aborting.abort(new Error("no more"));
  semaphore.release();
  await assert.rejects(aborted, /no more/);
  await waiting;
  assert.deepEqual(order, ["next"]);
});
