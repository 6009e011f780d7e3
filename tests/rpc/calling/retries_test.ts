// Tests of src/rpc/calling/retries.ts.

import assert from "node:assert/strict";
import {
  RpcError,
  type RpcErrorOptions,
  type RpcErrorReason,
} from "../../../src/rpc/errors.ts";
import {
  type RetryPolicy,
  withRetries,
} from "../../../src/rpc/calling/retries.ts";
import { RpcReply } from "../../../src/rpc/messages.ts";
import { turns, within } from "../../support/within.ts";

function failing(reason: RpcErrorReason): RpcError {
  return new RpcError("unavailable", reason, {
    reason,
    maybeExecuted: reason === "connection_lost",
  });
}

/** Attempts that a test ends one by one. */
function start(policy: Omit<RetryPolicy, "dueMs">, timeoutMs = 10_000) {
  const attempts: PromiseWithResolvers<RpcReply>[] = [];
  let news = Promise.withResolvers<void>();
  const call = withRetries(() => {
    const attempt = Promise.withResolvers<RpcReply>();
    attempts.push(attempt);
    news.resolve();
    news = Promise.withResolvers();
    return attempt.promise;
  }, { ...policy, dueMs: performance.now() + timeoutMs });
  const outcome = within("the end", Promise.allSettled([call]));
  const made = async (count: number) => {
    while (attempts.length < count) await within("an attempt", news.promise);
  };
  return { attempts, outcome, made };
}

const reply = new RpcReply(Uint8Array.of(1), {}, undefined);
const fulfilled = [{ status: "fulfilled", value: reply }];

Deno.test("the first reply ends it", async () => {
  const { attempts, outcome } = start({ retries: 3 });
  attempts[0].resolve(reply);
  assert.deepEqual(await outcome, fulfilled);
  assert.equal(attempts.length, 1);
});

Deno.test("a lost connection is worth another attempt, so many times", async () => {
  const { attempts, outcome, made } = start({ retries: 1 });
  attempts[0].reject(failing("connection_lost"));
  await made(2);
  const last = failing("connection_lost");
  attempts[1].reject(last);
  assert.deepEqual(await outcome, [{ status: "rejected", reason: last }]);
  assert.equal(attempts.length, 2);
});

Deno.test("an error that another attempt would not mend ends it", async () => {
  const errors = [
    failing("no_queue"),
    new RpcError("internal", "x"),
    new RpcError("unavailable", "x", {
      remote: true,
      reason: "connection_lost",
    }),
  ];
  for (const error of errors) {
    const { attempts, outcome } = start({ retries: 3 });
    attempts[0].reject(error);
    assert.deepEqual(await outcome, [{ status: "rejected", reason: error }]);
  }
});

Deno.test("silence is worth another attempt; any reply ends it", async () => {
  const policy = { retries: 2, attemptTimeoutMs: 20 };
  const { attempts, outcome, made } = start(policy);
  await made(3);
  attempts[0].resolve(reply);
  assert.deepEqual(await outcome, fulfilled);
  await turns();
  assert.equal(attempts.length, 3);
});

Deno.test("a loss that hits several attempts at once does not end the next", async () => {
  const policy = { retries: 2, attemptTimeoutMs: 100 };
  const { attempts, outcome, made } = start(policy);
  await made(2);
  attempts[0].reject(failing("connection_lost"));
  attempts[1].reject(failing("connection_lost"));
  await made(3);
  await turns();
  attempts[2].resolve(reply);
  assert.deepEqual(await outcome, fulfilled);
});

Deno.test("an attempt may be silent for as long as a default says", async () => {
  // A timer takes no more than 2^31 - 1 ms, and fires at once for more.
  for (const attemptTimeoutMs of [Infinity, 2 ** 31]) {
    const { attempts, outcome } = start({ retries: 5, attemptTimeoutMs });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const made = attempts.length;
    attempts[0].resolve(reply);
    assert.deepEqual(await outcome, fulfilled);
    assert.equal(made, 1);
  }
});

Deno.test("wait: what is missing is tried again without being counted", async () => {
  const { attempts, outcome, made } = start({ wait: true });
  attempts[0].reject(failing("no_queue"));
  await made(2);
  attempts[1].reject(failing("broker_unreachable"));
  await made(3);
  attempts[2].resolve(reply);
  assert.deepEqual(await outcome, fulfilled);
});

Deno.test("why there was no broker is told, though the time is up first", async () => {
  const timeUp = (options: RpcErrorOptions = {}) =>
    new RpcError("deadline_exceeded", "late", options);
  const endOf = async (first: RpcError, last: RpcError) => {
    const { attempts, outcome, made } = start({ wait: true });
    attempts[0].reject(first);
    await made(2);
    attempts[1].reject(last);
    const [end] = await outcome;
    assert.ok(end.status === "rejected");
    return end.reason;
  };
  const away = failing("broker_unreachable");
  assert.equal(await endOf(away, timeUp()), away);
  // The last attempt had a connection, or another reason.
  for (
    const last of [
      timeUp({ maybeExecuted: true }),
      timeUp({ remote: true }),
      timeUp({ reason: "blocked" }),
    ]
  ) assert.equal(await endOf(away, last), last);
  const late = timeUp();
  assert.equal(await endOf(failing("no_queue"), late), late);
});

Deno.test("an abort ends the pause before an attempt", async () => {
  const controller = new AbortController();
  const policy = { wait: true, signal: controller.signal };
  const { attempts, outcome } = start(policy);
  attempts[0].reject(failing("no_queue"));
  await turns();
  controller.abort();
  const [{ status }] = await outcome;
  assert.equal(status, "rejected");
  assert.equal(attempts.length, 1);
});
