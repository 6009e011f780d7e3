// The books of a chaos run tell when a rule was broken.

import assert from "node:assert/strict";
import { Ledger } from "./ledger.ts";
import type { OutcomeLine } from "./messages.ts";

function outcome(call: number, fields: Partial<OutcomeLine>): OutcomeLine {
  return {
    type: "outcome",
    call,
    outcome: "right",
    retried: false,
    attempts: 1,
    elapsedMs: 1,
    late: false,
    ...fields,
  };
}

Deno.test("good calls break no rule", async () => {
  const ledger = new Ledger(2);
  const reached = ledger.reached(2);
  ledger.execution(1);
  ledger.outcome(outcome(1, {}));
  ledger.outcome(outcome(2, { outcome: "error", code: "unavailable" }));
  await reached;
  ledger.close();
  assert.deepEqual(ledger.violations, []);
  assert.deepEqual(ledger.counts(), {
    answered: 1,
    failed: 1,
    wrong: 0,
    lost: 0,
    twice: 0,
  });
  assert.deepEqual([...ledger.executions()], [[0, 1], [1, 1]]);
  assert.deepEqual([...ledger.errors], [["unavailable", 1]]);
});

const BROKEN: [string, OutcomeLine[], object][] = [
  ["a wrong answer", [outcome(1, { outcome: "wrong" })], { wrong: 1 }],
  ["an untyped error", [outcome(1, { outcome: "untyped" })], { wrong: 1 }],
  ["no end", [], { lost: 1 }],
  ["a late end", [outcome(1, { late: true })], { lost: 1 }],
  [
    "an error with retries",
    [outcome(1, { outcome: "error", retried: true, maybeExecuted: true })],
    { lost: 1 },
  ],
  ["two ends", [outcome(1, {}), outcome(1, {})], { answered: 1, twice: 1 }],
];

for (const [what, lines, expected] of BROKEN) {
  Deno.test(`${what} breaks a rule`, () => {
    const ledger = new Ledger(1);
    for (const line of lines) ledger.outcome(line);
    ledger.close();
    assert.equal(ledger.violationCount, 1);
    assert.deepEqual(ledger.counts(), {
      answered: 0,
      failed: 0,
      wrong: 0,
      lost: 0,
      twice: 0,
      ...expected,
    });
  });
}

Deno.test("an error that denies an execution breaks a rule", () => {
  const ledger = new Ledger(1);
  ledger.execution(1);
  ledger.outcome(outcome(1, { outcome: "error", maybeExecuted: false }));
  ledger.close();
  assert.match(ledger.violations.join(), /denies/);
});
