// Waiting that can be ended.

import assert from "node:assert/strict";
import { delay, waitAtMost } from "../../src/rpc/delay.ts";

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
