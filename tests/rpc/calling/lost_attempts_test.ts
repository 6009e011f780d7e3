// When a request is sent again, and how often.

import assert from "node:assert/strict";
import { RpcError } from "../../../src/mod.ts";
import { withRetries } from "../../../src/rpc/calling/retries.ts";
import { RpcReply } from "../../../src/rpc/messages.ts";

const REPLY = new RpcReply(new Uint8Array(), {}, undefined);

function lost(maybeExecuted: boolean): RpcError {
  return new RpcError("unavailable", "lost", {
    reason: "connection_lost",
    maybeExecuted,
  });
}

Deno.test("attempts that are lost together count as one retry", async () => {
  const attempts: PromiseWithResolvers<RpcReply>[] = [];
  const reply = await withRetries((attempt) => {
    const sent = Promise.withResolvers<RpcReply>();
    attempts.push(sent);
    // Two are silent; when the third is sent the connection is lost.
    if (attempt === 3) {
      for (const { reject } of attempts) reject(lost(true));
    }
    if (attempt === 4) sent.resolve(REPLY);
    return sent.promise;
  }, { retries: 3, attemptTimeoutMs: 1, dueMs: performance.now() + 10_000 });
  assert.equal(reply, REPLY);
  assert.equal(attempts.length, 4);
});

Deno.test("only attempts that were sent are counted", async () => {
  const errors = [lost(false), lost(false), lost(true), lost(true)];
  const last = errors.at(-1);
  await assert.rejects(
    withRetries(
      () => Promise.reject(errors.shift()!),
      { retries: 1, dueMs: performance.now() + 10_000 },
    ),
    (error) => error === last,
  );
  assert.equal(errors.length, 0);
});

Deno.test("a pause ends when another call has found a connection", async () => {
  let attempts = 0;
  const reply = await withRetries(() => {
    // Eight full pauses would take longer than the deadline allows.
    return ++attempts > 8
      ? Promise.resolve(REPLY)
      : Promise.reject(lost(false));
  }, {
    retries: 1,
    dueMs: performance.now() + 10_000,
    reconnected: () => AbortSignal.timeout(1),
  });
  assert.equal(reply, REPLY);
});
