// Tests of src/rpc/calling/client.ts: calls that are sent again.

import assert from "node:assert/strict";
import { delay } from "../../../src/async/delay.ts";
import type { CallOptions } from "../../../src/rpc/calling/call_options.ts";
import { failure, start } from "../../support/calling.ts";
import { unreachable } from "../../support/fake_transport.ts";
import { within } from "../../support/within.ts";

Deno.test("retries: the same call is sent again, over the next connection", async () => {
  await using scene = start();
  const { broker, transport, client } = scene;
  const call = client.call("q", "x", { retries: 1 });
  const first = await broker.take("q");
  await transport.lose();
  const second = await broker.take("q");
  assert.equal(second.text, "x");
  assert.ok(second.properties.messageId);
  assert.equal(second.properties.messageId, first.properties.messageId);
  const { replyTo, correlationId } = second.properties;
  assert.notEqual(correlationId, first.properties.correlationId);
  assert.notEqual(replyTo, first.properties.replyTo);
  broker.send(replyTo!, "done", { correlationId });
  assert.equal((await call).text(), "done");
  assert.equal(client.stats.inFlight, 0);
});

Deno.test("retries: a call that is over leaves no silent attempt behind", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const canceled: string[] = [];
  broker.listen("q", (id) => canceled.push(id));
  const options = { retries: 2, attemptTimeoutMs: 20 };
  const call = client.call("q", "", options);
  const requests = [];
  for (const _ of [1, 2, 3]) requests.push(await broker.take("q"));
  const ids = requests.map(({ properties }) => properties.correlationId);
  const { replyTo, correlationId } = requests[1].properties;
  broker.send(replyTo!, "done", { correlationId });
  assert.equal((await call).text(), "done");
  assert.equal(client.stats.inFlight, 0);
  // Nor does a server run what nobody waits for.
  assert.deepEqual(canceled, [ids[0], ids[2]]);
});

Deno.test("retries and their time are checked", async () => {
  await using scene = start();
  const bad = (options: CallOptions) =>
    assert.rejects(
      scene.client.call("q", "", { timeoutMs: 50, ...options }),
      RangeError,
    );
  await bad({ retries: -1 });
  await bad({ retries: 1.5 });
  await bad({ retries: 1, attemptTimeoutMs: 0 });
  await bad({ retries: 1, attemptTimeoutMs: NaN });
});

Deno.test("retries: a call that pauses ends when its client is closed", async () => {
  await using scene = start();
  const { broker, client } = scene;
  broker.refusal = unreachable();
  let attempts = 0;
  const call = failure(client.call("q", "", {
    wait: true,
    onAttempt: (attempt) => attempts = attempt,
  }));
  // The pauses grow; this one would take more than half a second.
  while (attempts < 3) await delay(10);
  await client.close();
  assert.equal((await within("the call's end", call, 200)).reason, "closed");
});
