// Waiting that can be ended.

import assert from "node:assert/strict";
import {
  delay,
  settled,
  unlessAborted,
  waitAtMost,
} from "../../src/async/delay.ts";
import { FakeTime } from "../support/fake_time.ts";
import { turns } from "../support/within.ts";

const LONG_MS = 60_000;

Deno.test("a delay ends by itself", async () => {
  const startedMs = performance.now();
  await delay(20, new AbortController().signal);
  assert.ok(performance.now() - startedMs >= 19);
});

for (
  const [when, signal] of [
    ["before it starts", () => AbortSignal.abort("why")],
    ["while it lasts", () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort("why"), 1);
      return AbortSignal.any([controller.signal]);
    }],
  ] as const
) {
  // A timer that were left behind would fail the test.
  Deno.test(`a delay is ended by an abort ${when}`, async () => {
    const ended = delay(LONG_MS, signal());
    await assert.rejects(ended, (reason) => reason === "why");
  });
}

// A timer that were left behind would fail these, too.
Deno.test("what ends in time is waited for, no longer", async () => {
  let ended = false;
  const ending = delay(5).then(() => ended = true);
  await waitAtMost(LONG_MS, ending);
  assert.equal(ended, true);
  const failing = Promise.reject(new Error("failed"));
  await assert.rejects(waitAtMost(LONG_MS, failing), /failed/);
});

Deno.test("what does not end is waited for so long", async () => {
  const startedMs = performance.now();
  await waitAtMost(20, new Promise(() => {}));
  assert.ok(performance.now() - startedMs >= 19);
});

Deno.test("no time at all is waited for in a later turn", () => {
  for (const ms of [0, -1, -Infinity, NaN]) {
    using time = new FakeTime(0);
    const asked: number[] = [];
    const { setTimeout } = globalThis;
    globalThis.setTimeout = ((run: () => void, ms: number) => {
      asked.push(ms);
      return setTimeout(run, ms);
    }) as typeof setTimeout;
    void delay(ms);
    void waitAtMost(ms, new Promise(() => {}));
    assert.deepEqual(asked, [0, 0], `${ms}`);
    time.advance(0);
    assert.equal(time.timers, 0);
  }
});

Deno.test("a delay beyond what a timer can hold lasts all its time", async () => {
  const fiftyDaysMs = 50 * 24 * 3600 * 1000;
  using time = new FakeTime(0);
  let over = false;
  const ended = delay(fiftyDaysMs).then(() => over = true);
  time.advance(fiftyDaysMs - 1);
  await turns();
  assert.equal(over, false);
  time.advance(1);
  await ended;
  assert.equal(time.timers, 0);
});

Deno.test("unlessAborted() gives what the promise comes to", async () => {
  const { signal } = new AbortController();
  assert.equal(await unlessAborted(signal, Promise.resolve(7)), 7);
  const failing = Promise.reject(new Error("broken"));
  await assert.rejects(unlessAborted(signal, failing), /broken/);
});

Deno.test("unlessAborted() throws the signal's reason, however the promise ends", async () => {
  const aborting = new AbortController();
  const late = Promise.withResolvers<void>();
  const waiting = unlessAborted(aborting.signal, late.promise);
  aborting.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  // Nobody else would handle it: the test would fail.
  late.reject(new Error("too late"));
  const failed = Promise.reject(new Error("broken"));
  await assert.rejects(unlessAborted(aborting.signal, failed), /enough/);
});

Deno.test("settled() waits for any end", async () => {
  await settled(Promise.resolve(1));
  await settled(Promise.reject(new Error("told elsewhere")));
});
