// Tests of src/rpc/serving/execution.ts.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { fromEpochMs } from "../../../src/async/clock.ts";
import { RpcError } from "../../../src/rpc/errors.ts";
import { Execution } from "../../../src/rpc/serving/execution.ts";
import type { Outcome } from "../../../src/rpc/serving/job.ts";
import type { Procedure, RpcContext } from "../../../src/rpc/procedure.ts";
import type { RequestQueue } from "../../../src/rpc/transport.ts";
import { decodeRequest } from "../../../src/rpc/wire.ts";
import { FakeTime } from "../../support/fake_time.ts";

const LIMIT_MS = 5_000;
/** Nothing is sent before the end. */
const NO_QUEUE = {} as RequestQueue;

function newRun(properties = {}, limitMs = LIMIT_MS) {
  const body = new TextEncoder().encode("in");
  const delivery = { properties, body, deliveryTag: 1, redelivered: false };
  const request = decodeRequest(delivery, "q", Date.now());
  const outcomes: Outcome[] = [];
  const ended = Promise.withResolvers<Outcome>();
  const limits = { handlerTimeoutMs: limitMs, maxReplyBytes: 1_000 };
  const dueMs = fromEpochMs(request.deadlineMs);
  const job = { request, dueMs, requests: NO_QUEUE, deliveryTag: 1 };
  const run = new Execution(job, limits, (outcome) => {
    outcomes.push(outcome);
    ended.resolve(outcome);
  });
  return { run, outcomes, ended: ended.promise };
}

function errorOf(outcome: Outcome): RpcError {
  assert.ok("error" in outcome);
  return outcome.error;
}

Deno.test("a procedure that returns ends at once", () => {
  const { run, outcomes } = newRun();
  run.start((request) => request.text() + "!");
  assert.deepEqual(outcomes, [{ result: "in!" }]);
  assert.equal(run.ended, true);
});

Deno.test("a procedure that promises ends later", async () => {
  const { run, ended } = newRun();
  run.start(() => Promise.resolve("later"));
  assert.equal(run.ended, false);
  assert.deepEqual(await ended, { result: "later" });
});

Deno.test("what is thrown, or rejected with, becomes an RpcError", async () => {
  const thrown = newRun();
  thrown.run.start(() => {
    throw new TypeError("bad");
  });
  assert.equal(errorOf(await thrown.ended).code, "internal");
  const rejected = newRun();
  const error = new RpcError("not_found", "no such thing");
  rejected.run.start(() => Promise.reject(error));
  assert.equal(errorOf(await rejected.ended), error);
});

Deno.test("the context tells deadline and signal", async () => {
  const { run, ended } = newRun();
  const seen: RpcContext[] = [];
  run.start((_, context) => {
    seen.push(context);
    return "";
  });
  await ended;
  const [{ deadlineMs, signal }] = seen;
  assert.ok(deadlineMs <= Date.now() + LIMIT_MS + 1);
  assert.ok(deadlineMs > Date.now() + LIMIT_MS / 2);
  assert.equal(signal.aborted, false);
});

Deno.test("the earlier of limit and caller's deadline holds", () => {
  const soonMs = Date.now() + 100;
  const { run } = newRun({ headers: { "rpc-deadline": soonMs } });
  assert.ok(Math.abs(run.deadlineMs - soonMs) <= 2, `${run.deadlineMs}`);
  assert.match(run.timeoutError().message, /the caller's deadline/);

  const late = { headers: { "rpc-deadline": Date.now() + 60_000 } };
  const limited = newRun(late, 2_000).run;
  assert.ok(limited.deadlineMs <= Date.now() + 2_001);
  assert.match(limited.timeoutError().message, /the server's limit of 2s/);
  assert.equal(limited.timeoutError().code, "deadline_exceeded");
});

Deno.test("expiry ends the run, and the signal tells the procedure", async () => {
  const { run, outcomes } = newRun();
  const late = Promise.withResolvers<string>();
  const reasons: unknown[] = [];
  const procedure: Procedure = (_, { signal }) => {
    signal.addEventListener("abort", () => reasons.push(signal.reason));
    return late.promise;
  };
  run.start(procedure);
  run.expire();
  assert.equal(outcomes.length, 1);
  const error = errorOf(outcomes[0]);
  assert.equal(error.code, "deadline_exceeded");
  assert.deepEqual(reasons, [error]);

  late.resolve("too late");
  await late.promise;
  await Promise.resolve();
  assert.equal(outcomes.length, 1, "a result after the end is lost");
});

Deno.test("a rejection after the end harms nobody", async () => {
  const { run, outcomes } = newRun();
  const late = Promise.withResolvers<string>();
  run.start(() => late.promise);
  run.abort(new RpcError("aborted", "stop"));
  late.reject(new Error("late"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(outcomes.length, 1);
});

Deno.test("the signal is aborted where it is asked for after the abort", () => {
  const { run } = newRun();
  run.start(() => Promise.withResolvers<string>().promise);
  const reason = new RpcError("aborted", "stop");
  run.abort(reason);
  run.abort(new RpcError("aborted", "again"));
  assert.equal(run.signal.aborted, true);
  assert.equal(run.signal.reason, reason);
  assert.equal(run.signal, run.signal);
});

Deno.test("abort after the end changes nothing", () => {
  const { run, outcomes } = newRun();
  run.start(() => "done");
  run.abort(new RpcError("aborted", "stop"));
  assert.deepEqual(outcomes, [{ result: "done" }]);
  assert.equal(run.signal.aborted, false);
});

Deno.test("a thenable is awaited as a promise is", async () => {
  const { run, ended } = newRun();
  const thenable = {
    then: (resolve: (value: string) => void) => resolve("from a query builder"),
  };
  // Plain JavaScript returns these: query builders, promises of other realms.
  run.start((() => thenable) as unknown as Procedure);
  assert.deepEqual(await ended, { result: "from a query builder" });
});

Deno.test("the deadline that a procedure sees follows the wall clock", () => {
  using time = new FakeTime(1_000_000);
  const { run } = newRun();
  const leftMs = () => run.deadlineMs - Date.now();
  assert.equal(leftMs(), LIMIT_MS);
  time.setWallClock(-6_000);
  assert.equal(leftMs(), LIMIT_MS);
  time.advance(1_000);
  assert.equal(leftMs(), LIMIT_MS - 1_000);
});
