// The chaos suite in short: few calls, one fault of most kinds.

import assert from "node:assert/strict";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { FAULT_KINDS, makePlan, usualFaults } from "./plan.ts";
import { isGood, reportText } from "./report.ts";
import { type ChaosOptions, runChaos } from "./run.ts";

const SHORT: ChaosOptions = {
  seed: 7,
  calls: 1_000,
  durationMs: 8_000,
  plainShare: 0.25,
  queueType: "classic",
  nodes: 1,
  faults: {
    "kill-server": 1,
    "term-server": 1,
    "cut": 2,
    "stall": 1,
    "restart-broker": 1,
    "delete-callback-queue": 1,
    "close-channel": 1,
    "alarm": 1,
  },
};

rabbitMqTest(
  "no call is lost while everything fails",
  { slow: true },
  async () => {
    const result = await runChaos(SHORT, () => {});
    assert.ok(isGood(result), reportText(result));
    const { answered, failed, wrong, lost, twice } = result.ledger.counts();
    assert.equal(answered + failed, SHORT.calls);
    assert.deepEqual([wrong, lost, twice], [0, 0, 0]);
    assert.ok(answered > SHORT.calls / 2, reportText(result));
  },
);

Deno.test("the same seed makes the same plan, another seed another", () => {
  const counts = usualFaults(5_000);
  const plan = makePlan(1, 5_000, counts);
  assert.deepEqual(makePlan(1, 5_000, counts), plan);
  assert.notDeepEqual(makePlan(2, 5_000, counts), plan);
  for (const kind of FAULT_KINDS) {
    const planned = plan.filter((fault) => fault.kind === kind);
    assert.equal(planned.length, counts[kind]);
  }
});
