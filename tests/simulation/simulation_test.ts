// The simulation in short: what `deno task simulate` does at length.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { permissionsMissing, test } from "../support/needs.ts";
import type { Answer } from "./messages.ts";
import { FAULT_KINDS, makePlan, type Plan, type PlanOptions } from "./plan.ts";
import { Pool } from "./pool.ts";
import { failureText } from "./report.ts";

const HISTORIES = 200;
const OPTIONS: PlanOptions = { calls: 100, faults: 10, kinds: FAULT_KINDS };
/** Plans of histories that broke a rule once, shrunk. */
const KEPT = new URL("kept/", import.meta.url);

async function trace(plan: Plan): Promise<Answer & { type: "trace" }> {
  using pool = await Pool.start(1);
  return await pool.ask({ type: "trace", plan });
}

test("every rule is kept in 200 histories", async () => {
  using pool = await Pool.start(2);
  const tally = await pool.run({
    from: 1,
    count: HISTORIES,
    options: OPTIONS,
    stops: false,
  });
  assert.deepEqual(tally.failures.map(failureText), []);
  assert.equal(tally.histories, HISTORIES);
  assert.ok(tally.answered > HISTORIES * OPTIONS.calls / 2);
});

for (const name of permissionsMissing() ? [] : readdirSync(KEPT)) {
  test(`what has failed once is well now: ${name}`, async () => {
    const plan = JSON.parse(readFileSync(new URL(name, KEPT), "utf8"));
    const { result } = await trace(plan);
    assert.deepEqual(result.violations, []);
  });
}

test("a seed gives the same trace twice, another seed another", async () => {
  const [one, again, other] = await Promise.all([
    trace(makePlan(7, OPTIONS)),
    trace(makePlan(7, OPTIONS)),
    trace(makePlan(8, OPTIONS)),
  ]);
  assert.ok(one.result.trace.length > 1_000);
  assert.deepEqual(one.result.trace, again.result.trace);
  assert.notDeepEqual(one.result.trace, other.result.trace);
});
