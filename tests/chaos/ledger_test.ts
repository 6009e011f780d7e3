// The books of a chaos run tell when a rule was broken.

import assert from "node:assert/strict";
import { Ledger } from "./ledger.ts";
import type { CallError, End } from "../rules/records.ts";
import type { ExecutionLine, OutcomeLine } from "./messages.ts";

const PLAIN = { timeoutMs: 10_000 };
const RETRIED = {
  timeoutMs: 60_000,
  retries: 20,
  wait: true,
  attemptTimeoutMs: 5_000,
};
const RIGHT: End = { type: "answer", isRight: true };

function outcome(call: number, fields: Partial<OutcomeLine>): OutcomeLine {
  return {
    type: "outcome",
    call,
    options: PLAIN,
    startMs: 0,
    endMs: 1,
    attempts: 1,
    end: RIGHT,
    ...fields,
  };
}

function failed(fields: Partial<CallError> = {}): End {
  const error = {
    code: "unavailable",
    reason: "connection_lost",
    message: "lost",
    maybeExecuted: true,
    remote: false,
    ...fields,
  };
  return { type: "error", error };
}

function execution(call: number, startMs = 0): ExecutionLine {
  const ids = { messageId: `m${call}`, correlationId: `c${call}` };
  return { type: "execution", call, startMs, ...ids };
}

/** A ledger of calls that a fault hit. */
function troubled(calls: number): Ledger {
  const ledger = new Ledger(calls);
  ledger.troubles.begin("cut");
  return ledger;
}

Deno.test("good calls break no rule", async () => {
  const ledger = troubled(2);
  const reached = ledger.reached(2);
  const nowMs = Date.now();
  const times = { startMs: nowMs, endMs: nowMs + 1 };
  ledger.execution("server 1", execution(1, nowMs));
  ledger.outcome("client", outcome(1, times));
  ledger.outcome("client", outcome(2, { ...times, end: failed() }));
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
  assert.deepEqual([...ledger.errors], [["unavailable (connection_lost)", 1]]);
});

const LATER = { startMs: Date.now() + 1_000, endMs: Date.now() + 2_000 };
const BROKEN: [string, OutcomeLine[], object][] = [
  [
    "a wrong answer",
    [outcome(1, { end: { type: "answer", isRight: false } })],
    { wrong: 1 },
  ],
  [
    "an untyped error",
    [outcome(1, { end: { type: "untyped", what: "Error" } })],
    { wrong: 1 },
  ],
  ["no end", [], { lost: 1 }],
  ["a late end", [outcome(1, { endMs: 12_000 })], { lost: 1 }],
  [
    "an error with retries",
    [outcome(1, { ...LATER, options: RETRIED, end: failed() })],
    { lost: 1 },
  ],
  [
    "an error that has no reason",
    [outcome(1, { ...LATER, end: failed({ reason: "no_queue" }) })],
    { failed: 1 },
  ],
  ["two ends", [outcome(1, {}), outcome(1, {})], { answered: 1, twice: 1 }],
];

for (const [what, lines, expected] of BROKEN) {
  Deno.test(`${what} breaks a rule`, () => {
    const ledger = troubled(1);
    for (const line of lines) ledger.outcome("client", line);
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

Deno.test("an error where nothing was wrong breaks two rules", () => {
  const ledger = new Ledger(1);
  ledger.outcome("client", outcome(1, { end: failed() }));
  assert.match(ledger.violations.join(), /true errors.*no call is lost/);
});

Deno.test("an error that denies an execution breaks a rule", () => {
  const ledger = troubled(1);
  ledger.execution("server 1", execution(1, LATER.startMs));
  const end = failed({ maybeExecuted: false });
  ledger.outcome("client", outcome(1, { ...LATER, end }));
  ledger.close();
  assert.match(ledger.violations.join(), /denies/);
});

Deno.test("a repeat breaks a rule on a server that remembers", () => {
  const ledger = new Ledger(1);
  ledger.execution("server 1", execution(1));
  ledger.execution("server 2", execution(1));
  ledger.execution("server 2", execution(1, 200_000));
  assert.deepEqual(ledger.violations, []);
  ledger.execution("server 1", execution(1, 1_000));
  assert.match(ledger.violations.join(), /no repeats/);
});

Deno.test("what a run was told to end is no repeat", () => {
  const ledger = new Ledger(1);
  ledger.execution("server 1", execution(1));
  const { call, correlationId } = execution(1);
  const ended = { call, correlationId, isCalledOff: true };
  ledger.executed("server 1", { type: "executed", ...ended });
  ledger.execution("server 1", execution(1));
  assert.deepEqual(ledger.violations, []);
});

Deno.test("a run for more requests than allowed, or too late, breaks a rule", () => {
  const ledger = new Ledger(1);
  ledger.execution("server 1", execution(1));
  const other = { ...execution(1, 20_000), correlationId: "another" };
  ledger.execution("server 2", other);
  ledger.outcome("client", outcome(1, {}));
  ledger.close();
  assert.match(
    ledger.violations.join(),
    /retries are counted.*no expired runs/,
  );
});
