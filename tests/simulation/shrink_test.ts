// A failing plan is made as small as it can be.

import assert from "node:assert/strict";
import type { HistoryResult } from "./history.ts";
import { FAULT_KINDS, makePlan, type Plan } from "./plan.ts";
import { shrink } from "./shrink.ts";

const OPTIONS = { calls: 100, faults: 10, kinds: FAULT_KINDS };

function resultOf(rules: readonly string[]): HistoryResult {
  const violations = rules.map((rule) => ({ rule, what: "", atMs: 0 }));
  const sums = { steps: 0, virtualMs: 0, answered: 0, failed: 0 };
  return { violations, trace: [], ...sums };
}

/** Fails if a call and two faults are there, and in another way without. */
function run({ calls, faults }: Plan): Promise<HistoryResult> {
  const has = (items: readonly { number: number }[], number: number) =>
    items.some((item) => item.number === number);
  const fails = has(calls, 42) && has(faults, 3) && has(faults, 9);
  return Promise.resolve(resultOf([fails ? "the rule" : "another rule"]));
}

Deno.test("what a failure does not need is taken away", async () => {
  const { plan, runs } = await shrink(makePlan(1, OPTIONS), run);
  assert.deepEqual(plan.calls.map(({ number }) => number), [42]);
  assert.deepEqual(plan.faults.map(({ number }) => number), [3, 9]);
  assert.ok(runs < 100, `${runs} histories`);
});

Deno.test("a plan that does not fail stays as it is", async () => {
  const plan = makePlan(1, OPTIONS);
  const shrunk = await shrink(plan, () => Promise.resolve(resultOf([])));
  assert.deepEqual(shrunk, { plan, runs: 1 });
});
