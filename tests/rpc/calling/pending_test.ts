// Tests of src/rpc/calling/pending.ts.

import assert from "node:assert/strict";
import { RpcError } from "../../../src/rpc/errors.ts";
import { PendingCall, PendingCalls } from "../../../src/rpc/calling/pending.ts";
import { RpcReply } from "../../../src/rpc/messages.ts";
import { FakeTime } from "../../support/fake_time.ts";

const HOOKS = {
  onDeadline: () => {},
  onRefused: () => {},
  onUnsent: () => {},
};

function newCall(table: PendingCalls, onEnd?: () => void) {
  const outcomes: (RpcReply | RpcError)[] = [];
  const end = (outcome: RpcReply | RpcError) => {
    outcomes.push(outcome);
    onEnd?.();
  };
  const dueMs = performance.now() + 1000;
  const target = { queue: "q", dueMs, timeoutMs: 1000 };
  const call = new PendingCall(table, target, end, end);
  table.add(call);
  return { call, outcomes, id: call.correlationId };
}

const reply = new RpcReply(Uint8Array.of(1), {}, undefined);

Deno.test("a call ends once, with the first outcome", () => {
  using time = new FakeTime(1000);
  const pending = new PendingCalls({
    ...HOOKS,
    onDeadline: () => assert.fail("no deadline passed"),
  });
  const { id, outcomes } = newCall(pending);
  assert.equal(pending.size, 1);
  assert.equal(pending.has(id), true);
  assert.equal(pending.settle(id, reply), true);
  assert.equal(pending.settle(id, new RpcError("internal", "late")), false);
  assert.deepEqual(outcomes, [reply]);
  assert.equal(pending.size, 0);
  time.advance(5000);
});

Deno.test("an error rejects", () => {
  using _time = new FakeTime(1000);
  const pending = new PendingCalls(HOOKS);
  const { id, outcomes } = newCall(pending);
  const error = new RpcError("aborted", "x");
  assert.equal(pending.settle(id, error), true);
  assert.deepEqual(outcomes, [error]);
});

Deno.test("a confirm ends nothing, a failed publish ends the call", () => {
  using _time = new FakeTime(1000);
  const refused: PendingCall[] = [];
  const pending = new PendingCalls({
    ...HOOKS,
    onRefused: (call) => refused.push(call),
  });
  const { call, outcomes } = newCall(pending);
  call.confirmed();
  assert.deepEqual([outcomes, refused], [[], []]);
  const error = new RpcError("resource_exhausted", "x", { reason: "rejected" });
  call.failed(error);
  assert.deepEqual([outcomes, refused], [[error], [call]]);
  assert.equal(pending.size, 0);
  call.failed(error);
  assert.deepEqual(outcomes, [error]);
});

Deno.test("unknown and missing ids settle nothing", () => {
  using _time = new FakeTime(1000);
  const pending = new PendingCalls(HOOKS);
  newCall(pending);
  assert.equal(pending.settle("b", reply), false);
  assert.equal(pending.settle(undefined, reply), false);
  assert.equal(pending.size, 1);
});

Deno.test("an id that is written in another way settles nothing", () => {
  using _time = new FakeTime(1000);
  const pending = new PendingCalls(HOOKS);
  const { id } = newCall(pending);
  const prefix = id.slice(0, -1);
  assert.equal(pending.settle(`${prefix}00`, reply), false);
  assert.equal(pending.has(`${prefix}00`), false);
  assert.equal(pending.settle(id, reply), true);
});

Deno.test("a deadline removes the call and tells, without ending it", () => {
  using time = new FakeTime(1000);
  const due: PendingCall[] = [];
  const pending = new PendingCalls({
    ...HOOKS,
    onDeadline: (call) => due.push(call),
  });
  const { call, id, outcomes } = newCall(pending);
  time.advance(1000);
  assert.deepEqual(due, [call]);
  assert.equal(pending.size, 0);
  assert.equal(pending.settle(id, reply), false);
  assert.deepEqual(outcomes, []);
});

Deno.test("failAll() ends each call with an error of its own", () => {
  using time = new FakeTime(1000);
  const pending = new PendingCalls({
    ...HOOKS,
    onDeadline: () => assert.fail("no deadline passed"),
  });
  const calls = [newCall(pending), newCall(pending)];
  pending.failAll((call) => new RpcError("unavailable", call.correlationId));
  assert.deepEqual(
    calls.map(({ outcomes }) => outcomes.map((it) => (it as Error).message)),
    calls.map(({ id }) => [id]),
  );
  assert.equal(pending.size, 0);
  assert.equal(time.timers, 0);
});

Deno.test("what is added while all fail stays", () => {
  using time = new FakeTime(1000);
  const due: string[] = [];
  const pending = new PendingCalls({
    ...HOOKS,
    onDeadline: (call) => due.push(call.correlationId),
  });
  const added: string[] = [];
  newCall(pending, () => added.push(newCall(pending).id));
  pending.failAll(() => new RpcError("unavailable", "lost"));
  assert.equal(added.length, 1);
  assert.equal(pending.has(added[0]!), true);
  time.advance(1000);
  assert.deepEqual(due, added);
});
