// When a request is sent again: the policy alone, without a broker.

import assert from "node:assert/strict";
import { RpcError } from "../../src/rpc/errors.ts";
import { connectionLost, noQueue } from "../../src/rpc/calling/failures.ts";
import {
  type RetryPolicy,
  withRetries,
} from "../../src/rpc/calling/retries.ts";
import { RpcReply } from "../../src/rpc/messages.ts";
import { failureOf, Log, soon, turn } from "./watching.ts";

type Attempt = PromiseWithResolvers<RpcReply>;

const SENT_AND_LOST = connectionLost("cut", true);
const LOST_UNSENT = connectionLost("cut", false);
const UNREACHABLE = new RpcError("unavailable", "nobody there", {
  reason: "broker_unreachable",
});

const REFUSED = new RpcError("resource_exhausted", "the queue may be full", {
  reason: "rejected",
});

/**
 * A call whose attempts end as the test says, those after the first in this
 * way, where it is given.
 */
function calling(policy: Partial<RetryPolicy>, otherwise?: RpcError) {
  const attempts = new Log<Attempt>();
  const numbers: number[] = [];
  const timesMs: number[] = [];
  const reply = withRetries((number) => {
    const attempt = Promise.withResolvers<RpcReply>();
    numbers.push(number);
    timesMs.push(performance.now());
    if (number > 1 && otherwise) attempt.reject(otherwise);
    attempts.add(attempt);
    return attempt.promise;
  }, { dueMs: performance.now() + 60_000, ...policy });
  // Awaited later: a failure meanwhile is not unhandled.
  reply.catch(() => undefined);
  return {
    reply,
    numbers,
    timesMs,
    attempt: (n: number) => attempts.first("attempt", undefined, n),
  };
}

function replyOf(text: string): RpcReply {
  return new RpcReply(new TextEncoder().encode(text), {}, undefined);
}

Deno.test("what another attempt would not mend ends the call at once", async () => {
  const errors = [
    new RpcError("unavailable", "says the server", { remote: true }),
    new RpcError("deadline_exceeded", "too late"),
    noQueue("q", "/"),
    new RpcError("unavailable", "says the server", {
      remote: true,
      reason: "broker_unreachable",
    }),
  ];
  for (const error of errors) {
    const { reply, numbers, attempt } = calling({ retries: 2 });
    (await attempt(1)).reject(error);
    assert.equal(await failureOf(reply), error);
    assert.deepEqual(numbers, [1]);
  }
});

Deno.test("a broker that is away, or refuses the message, costs no retry", async () => {
  const { reply, attempt } = calling({ retries: 1 });
  (await attempt(1)).reject(UNREACHABLE);
  (await attempt(2)).reject(REFUSED);
  (await attempt(3)).reject(SENT_AND_LOST);
  (await attempt(4)).resolve(replyOf("at last"));
  assert.equal((await reply).text(), "at last");
});

Deno.test("wait alone outlasts what is missing, but sends nothing twice", async () => {
  const { reply, attempt } = calling({ wait: true });
  (await attempt(1)).reject(UNREACHABLE);
  (await attempt(2)).reject(noQueue("q", "/"));
  (await attempt(3)).reject(LOST_UNSENT);
  (await attempt(4)).reject(REFUSED);
  (await attempt(5)).reject(SENT_AND_LOST);
  assert.equal(await failureOf(reply), SENT_AND_LOST);
});

Deno.test("attempts that are lost together are followed by one", async () => {
  const { reply, attempt, numbers } = calling({
    retries: 2,
    attemptTimeoutMs: 500,
  });
  // One retry goes into silence, the other one into the loss.
  const second = await attempt(2);
  (await attempt(1)).reject(SENT_AND_LOST);
  second.reject(SENT_AND_LOST);
  (await attempt(3)).resolve(replyOf("from the third"));
  assert.equal((await reply).text(), "from the third");
  assert.deepEqual(numbers, [1, 2, 3]);
});

Deno.test("an attempt that can't be sent leaves those that are open their time", async () => {
  const { reply, attempt } = calling({ retries: 1, attemptTimeoutMs: 1 });
  (await attempt(2)).reject(noQueue("q", "/"));
  (await attempt(1)).resolve(replyOf("from the first"));
  assert.equal((await reply).text(), "from the first");
});

Deno.test("all of the time is used, and no more", async () => {
  const dueMs = performance.now() + 1_000;
  const policy = { wait: true, dueMs };
  const { reply, attempt, timesMs } = calling(policy, UNREACHABLE);
  (await attempt(1)).reject(UNREACHABLE);
  await failureOf(reply);
  assert.ok(performance.now() >= dueMs);
  assert.ok(timesMs.every((timeMs) => timeMs < dueMs));
  // The backoff alone would have given up after the fourth, at the latest.
  assert.ok(timesMs.length > 4, `${timesMs.length} attempts`);
});

Deno.test("that an earlier attempt may have run is not forgotten", async () => {
  const policy = { retries: 5, dueMs: performance.now() + 1_500 };
  const call = calling(policy, UNREACHABLE);
  (await call.attempt(1)).reject(SENT_AND_LOST);
  const error = await failureOf(call.reply);
  assert.equal(error.reason, "broker_unreachable");
  assert.equal(error.maybeExecuted, true);
});

Deno.test("a call is canceled between two attempts", async () => {
  const canceling = new AbortController();
  const { signal } = canceling;
  const { reply, attempt, numbers } = calling({ retries: 5, signal });
  (await attempt(1)).reject(SENT_AND_LOST);
  // Let it begin its pause, in the turns that follow.
  await turn();
  canceling.abort();
  const error = await failureOf(soon("the end", reply, 5_000));
  assert.equal(error.code, "canceled");
  assert.equal(error.maybeExecuted, true);
  assert.deepEqual(numbers, [1]);
});
