// How --rate spreads requests over time.

import assert from "node:assert/strict";
import { Pace, until } from "../../src/cli/pace.ts";
import { FakeTime } from "../support/fake_time.ts";

const { signal } = new AbortController();
const MAKES_UP_FOR_MS = 100;

/** Sends for so long with timers that are late; the time of each request. */
async function sent(
  rate: number,
  forMs: number,
  lateMs: number,
): Promise<number[]> {
  using time = new FakeTime(0);
  const pace = new Pace(rate, MAKES_UP_FOR_MS);
  const startMs = performance.now();
  const times: number[] = [];
  while (true) {
    const dueMs = pace.next();
    const waiting = until(dueMs, signal);
    if (waiting) {
      time.jump(lateMs);
      time.advance(Math.ceil(dueMs - performance.now() + lateMs));
      await waiting;
    }
    const atMs = performance.now() - startMs;
    if (atMs >= forMs) return times;
    times.push(atMs);
  }
}

/** The most that any span of so many ms holds. */
function mostWithin(times: number[], spanMs: number): number {
  let from = 0;
  let most = 0;
  times.forEach((atMs, i) => {
    while (times[from]! <= atMs - spanMs) from++;
    most = Math.max(most, i - from + 1);
  });
  return most;
}

Deno.test("a rate is kept over any second, with timers that are late", async () => {
  for (const rate of [5_000, 500, 7]) {
    const times = await sent(rate, 3_000, 1.3);
    assert.ok(Math.abs(times.length - 3 * rate) <= 0.01 * rate + 1, `${rate}`);
    const most = mostWithin(times, 1_000);
    // What a late timer delayed goes out with the next.
    assert.ok(most <= rate + 0.003 * rate + 1, `${rate}: ${most} in a second`);
  }
});

Deno.test("a rate below one a second, and one that is none at all", async () => {
  assert.deepEqual(
    (await sent(0.1, 35_000, 0)).map(Math.round),
    [0, 10_000, 20_000, 30_000],
  );
  // Longer than any timer.
  assert.equal((await sent(1e-9, 2 ** 33, 0)).length, 1);
  using _time = new FakeTime(0);
  const unlimited = new Pace(1e300, MAKES_UP_FOR_MS);
  for (let i = 0; i < 1_000; i++) {
    assert.equal(until(unlimited.next(), signal), undefined);
  }
});

Deno.test("a pause is not made up for", () => {
  using time = new FakeTime(0);
  const pace = new Pace(1_000, MAKES_UP_FOR_MS);
  pace.next();
  time.advance(60_000);
  let burst = 0;
  while (until(pace.next(), AbortSignal.abort()) === undefined) burst++;
  assert.ok(burst <= MAKES_UP_FOR_MS + 1, `${burst}`);
});

Deno.test("a wait ends when it is called off", async () => {
  const stopping = new AbortController();
  const waiting = until(performance.now() + 2 ** 40, stopping.signal);
  stopping.abort();
  await waiting;
});
