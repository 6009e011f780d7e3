// Calls by a user whom the broker does not tell whether there is a server.

import assert from "node:assert/strict";
import { RpcError } from "../../../src/rpc/errors.ts";
import { failure, sees, start } from "../../support/calling.ts";

const WHY = 'user "bob" may not inspect queue "q"';

/** A client on a broker that tells nothing of its queues. */
function untold(reason: "refused" | "locked" | "connection_lost" = "refused") {
  const scene = start();
  const code = "permission_denied";
  scene.broker.inspectFailure = new RpcError(code, WHY, { reason });
  return scene;
}

Deno.test("a time-out says that a server is unknown, and why", async () => {
  for (const reason of ["refused", "locked"] as const) {
    await using scene = untold(reason);
    const call = scene.client.call("q", "", { timeoutMs: 30 });
    const error = await failure(call);
    sees(error, "deadline_exceeded");
    assert.equal(
      error.message,
      'no reply from "q" within 30ms; the request may still have run. ' +
        `Whether it has a server is unknown: ${WHY}`,
    );
    assert.equal(error.maybeExecuted, true);
  }
});

Deno.test("a broker that can't be asked is no matter of rights", async () => {
  await using scene = untold("connection_lost");
  const call = scene.client.call("q", "", { timeoutMs: 30 });
  const { message } = await failure(call);
  assert.match(message, /the request may still have run$/);
});

Deno.test("a call that wants to know a server fails, unsent", async () => {
  await using scene = untold();
  const { broker, client } = scene;
  const call = client.call("q", "", { requireConsumer: true });
  const error = await failure(call);
  sees(error, "permission_denied", "refused");
  assert.equal(
    error.message,
    `cannot find out whether "q" has a server: ${WHY}`,
  );
  assert.equal(error.maybeExecuted, false);
  assert.ok(!broker.log.includes("publish q"), broker.log.join("\n"));
});
