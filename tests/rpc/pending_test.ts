// Tests of src/rpc/pending.ts.

import assert from "node:assert/strict";
import { RpcError } from "../../src/rpc/errors.ts";
import { type PendingCall, PendingCalls } from "../../src/rpc/pending.ts";
import { RpcReply } from "../../src/rpc/wire.ts";
import { FakeTime } from "../support/fake_time.ts";

function newCall(correlationId: string, deadlineMs = Date.now() + 1000) {
  const outcomes: (RpcReply | RpcError)[] = [];
  const call: PendingCall = {
    correlationId,
    queue: "q",
    deadlineMs,
    timeoutMs: 1000,
    sent: true,
    resolve: (reply) => outcomes.push(reply),
    reject: (error) => outcomes.push(error),
  };
  return { call, outcomes };
}

const reply = new RpcReply(Uint8Array.of(1), {}, undefined);

Deno.test("a call ends once, with the first outcome", () => {
  using time = new FakeTime(1000);
  const pending = new PendingCalls(() => assert.fail("no deadline passed"));
  const { call, outcomes } = newCall("a");
  pending.add(call);
  assert.equal(pending.size, 1);
  assert.equal(pending.has("a"), true);
  assert.equal(pending.settle("a", reply), true);
  assert.equal(pending.settle("a", new RpcError("internal", "late")), false);
  assert.deepEqual(outcomes, [reply]);
  assert.equal(pending.size, 0);
  time.advance(5000);
});

Deno.test("an error rejects", () => {
  using _time = new FakeTime(1000);
  const pending = new PendingCalls(() => {});
  const { call, outcomes } = newCall("a");
  pending.add(call);
  const error = new RpcError("aborted", "x");
  assert.equal(pending.settle("a", error), true);
  assert.deepEqual(outcomes, [error]);
});

Deno.test("unknown and missing ids settle nothing", () => {
  using _time = new FakeTime(1000);
  const pending = new PendingCalls(() => {});
  pending.add(newCall("a").call);
  assert.equal(pending.settle("b", reply), false);
  assert.equal(pending.settle(undefined, reply), false);
  assert.equal(pending.size, 1);
});

Deno.test("a deadline removes the call and tells, without ending it", () => {
  using time = new FakeTime(1000);
  const due: PendingCall[] = [];
  const pending = new PendingCalls((call) => due.push(call));
  const { call, outcomes } = newCall("a");
  pending.add(call);
  time.advance(1000);
  assert.deepEqual(due, [call]);
  assert.equal(pending.size, 0);
  assert.equal(pending.settle("a", reply), false);
  assert.deepEqual(outcomes, []);
});

Deno.test("failAll() ends each call with an error of its own", () => {
  using time = new FakeTime(1000);
  const pending = new PendingCalls(() => assert.fail("no deadline passed"));
  const calls = ["a", "b"].map((id) => newCall(id));
  for (const { call } of calls) pending.add(call);
  pending.failAll((call) => new RpcError("unavailable", call.correlationId));
  assert.deepEqual(
    calls.map(({ outcomes }) => outcomes.map((it) => (it as Error).message)),
    [["a"], ["b"]],
  );
  assert.equal(pending.size, 0);
  assert.equal(time.timers, 0);
});

Deno.test("what is added while all fail stays", () => {
  using time = new FakeTime(1000);
  const due: string[] = [];
  const pending = new PendingCalls((call) => due.push(call.correlationId));
  const { call } = newCall("a");
  call.reject = () => pending.add(newCall("b").call);
  pending.add(call);
  pending.failAll(() => new RpcError("unavailable", "lost"));
  assert.equal(pending.has("b"), true);
  time.advance(1000);
  assert.deepEqual(due, ["b"]);
});
