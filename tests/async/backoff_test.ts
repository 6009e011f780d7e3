// Tests of src/async/backoff.ts.

import assert from "node:assert/strict";
import { backoffMs } from "../../src/async/backoff.ts";

Deno.test("the longest delays double from 200 ms up to 10 s", () => {
  const longest = [1, 2, 3, 6, 7, 8, 5000].map((n) => backoffMs(n, () => 0));
  assert.deepEqual(longest, [200, 400, 800, 6400, 10_000, 10_000, 10_000]);
});

Deno.test("chance takes off up to a half", () => {
  assert.equal(backoffMs(1, () => 0.5), 150);
  const shortestMs = backoffMs(1, () => 1 - Number.EPSILON);
  assert.ok(shortestMs > 100 && shortestMs < 100.001);
});

Deno.test("two clients do not come back in step", () => {
  const delays = new Set(Array.from({ length: 20 }, () => backoffMs(3)));
  assert.ok(delays.size > 1);
  for (const ms of delays) assert.ok(ms > 400 && ms <= 800);
});
