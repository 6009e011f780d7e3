// Tests of src/async/deadlines.ts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Deadlines, type Expiring } from "../../src/async/deadlines.ts";
import { FakeTime } from "../support/fake_time.ts";

const NOW_MS = 1_000_000;

function watch(onExpire?: (item: Expiring) => void) {
  const items = new Set<Expiring>();
  const expired: number[] = [];
  const startMs = performance.now();
  const deadlines = new Deadlines<Expiring>(items, (item) => {
    items.delete(item);
    expired.push(item.dueMs - startMs);
    onExpire?.(item);
  });
  const add = (afterMs: number) => {
    const item = { dueMs: startMs + afterMs };
    items.add(item);
    deadlines.watch(item);
    return item;
  };
  return { items, deadlines, expired, add, startMs };
}

Deno.test("items expire when their time is up, not before", () => {
  using time = new FakeTime(NOW_MS);
  const { items, expired, add } = watch();
  add(300);
  add(100);
  add(200);
  time.advance(99);
  assert.deepEqual(expired, []);
  time.advance(1);
  assert.deepEqual(expired, [100]);
  time.advance(1000);
  assert.deepEqual(expired, [100, 200, 300]);
  assert.equal(items.size, 0);
  assert.equal(time.timers, 0);
});

Deno.test("one timer serves any number of items", () => {
  using time = new FakeTime(NOW_MS);
  const { add } = watch();
  for (let n = 1; n <= 100; n++) add(500 - n);
  assert.equal(time.timers, 1);
});

Deno.test("an item that was removed does not expire", () => {
  using time = new FakeTime(NOW_MS);
  const { items, expired, add } = watch();
  const item = add(100);
  add(200);
  items.delete(item);
  time.advance(1000);
  assert.deepEqual(expired, [200]);
});

Deno.test("stop() leaves no timer, until there is more to watch", () => {
  using time = new FakeTime(NOW_MS);
  const { items, deadlines, expired, add } = watch();
  items.delete(add(100));
  deadlines.stop();
  assert.equal(time.timers, 0);
  time.advance(1000);
  assert.deepEqual(expired, []);
  add(2000);
  time.advance(1000);
  assert.deepEqual(expired, [2000]);
});

Deno.test("a deadline that has passed already expires in a later turn", () => {
  using time = new FakeTime(NOW_MS);
  const { expired, add } = watch();
  add(-5);
  assert.deepEqual(expired, []);
  time.advance(0);
  assert.deepEqual(expired, [-5]);
});

Deno.test("deadlines beyond what a timer can hold work", () => {
  using time = new FakeTime(NOW_MS);
  const { expired, add } = watch();
  const fiftyDaysMs = 50 * 24 * 3600 * 1000;
  add(fiftyDaysMs);
  time.advance(fiftyDaysMs - 1);
  assert.deepEqual(expired, []);
  time.advance(1);
  assert.deepEqual(expired, [fiftyDaysMs]);
});

Deno.test("an infinite deadline needs no timer", () => {
  using time = new FakeTime(NOW_MS);
  const { add } = watch();
  add(Infinity);
  assert.equal(time.timers, 0);
});

Deno.test("a clock that jumps ahead lets expire what is due by it", () => {
  using time = new FakeTime(NOW_MS);
  const { expired, add } = watch();
  add(100);
  add(5000);
  time.jump(6000);
  time.advance(0);
  assert.deepEqual(expired.sort(), [100, 5000]);
});

Deno.test("a wall clock that is set changes nothing", () => {
  for (const byMs of [-6_000, 6_000]) {
    using time = new FakeTime(NOW_MS);
    const { expired, add } = watch();
    add(1_000);
    time.setWallClock(byMs);
    time.advance(999);
    assert.deepEqual(expired, []);
    time.advance(1);
    assert.deepEqual(expired, [1_000]);
  }
});

Deno.test("what is added while items expire is watched as well", () => {
  using time = new FakeTime(NOW_MS);
  const { expired, add, startMs } = watch(({ dueMs }) => {
    if (expired.length < 3) add(dueMs - startMs + 50);
  });
  add(100);
  time.advance(1000);
  assert.deepEqual(expired, [100, 150, 200]);
  assert.equal(time.timers, 0);
});

Deno.test("each item expires once and in time, whatever is added or deleted", () => {
  const step = fc.record({
    afterMs: fc.integer({ min: 1, max: 50 }),
    deleted: fc.boolean(),
    advanceMs: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    using time = new FakeTime(NOW_MS);
    const late: number[] = [];
    const seen = new Map<Expiring, number>();
    const { items, add, startMs } = watch((item) => {
      seen.set(item, (seen.get(item) ?? 0) + 1);
      late.push(performance.now() - item.dueMs);
    });
    const kept: Expiring[] = [];
    for (const { afterMs, deleted, advanceMs } of steps) {
      const item = add(performance.now() - startMs + afterMs);
      if (deleted) items.delete(item);
      else kept.push(item);
      time.advance(advanceMs);
    }
    time.advance(100);
    assert.deepEqual([...seen.keys()].length, kept.length);
    for (const item of kept) assert.equal(seen.get(item), 1);
    for (const ms of late) assert.equal(ms, 0);
  }));
});
