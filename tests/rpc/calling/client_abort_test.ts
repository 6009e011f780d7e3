// Tests of src/rpc/calling/client.ts: calls that are aborted.

import assert from "node:assert/strict";
import { answer, failure, read, sees, start } from "../../support/calling.ts";

Deno.test("an abort before the call sends nothing", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const reason = new Error("changed my mind");
  const signal = AbortSignal.abort(reason);
  const error = await failure(client.call("q", "", { signal }));
  sees(error, "canceled");
  assert.equal(error.maybeExecuted, false);
  assert.equal(error.cause, reason);
  assert.deepEqual(broker.log, ["declare q"]);
});

Deno.test("an abort while waiting: it may have run", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const controller = new AbortController();
  const call = client.call("q", "", { signal: controller.signal });
  const { properties: { replyTo, correlationId } } = await broker.take("q");
  controller.abort();
  const error = await failure(call);
  sees(error, "canceled");
  assert.equal(error.maybeExecuted, true);
  assert.equal(client.stats.inFlight, 0);
  broker.send(replyTo!, "late", { correlationId });
  await read(client, broker, replyTo!);
  assert.equal(client.stats.unknownReplies, 1);
});

Deno.test("an abort while connecting sends nothing", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const release = broker.hold("open");
  const controller = new AbortController();
  const call = client.call("q", "", { signal: controller.signal });
  controller.abort();
  assert.equal((await failure(call)).maybeExecuted, false);
  release();
  await client.open();
  await failure(client.call("missing", ""));
  assert.equal(broker.log.includes("publish q"), false);
});

Deno.test("an abort after the reply changes nothing", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const controller = new AbortController();
  const call = client.call("q", "", { signal: controller.signal });
  await answer(broker);
  assert.equal((await call).text(), "done");
  controller.abort();
  assert.deepEqual(client.stats, { inFlight: 0, unknownReplies: 0 });
});

/** A signal that tells how many listen to it. */
function countedSignal() {
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  Object.assign(signal, {
    addEventListener(...args: Parameters<typeof addEventListener>) {
      listeners++;
      addEventListener.apply(signal, args);
    },
    removeEventListener(...args: Parameters<typeof removeEventListener>) {
      listeners--;
      removeEventListener.apply(signal, args);
    },
  });
  return { signal, listeners: () => listeners };
}

Deno.test("a signal that outlives the call is not listened to any more", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const { signal, listeners } = countedSignal();
  const call = client.call("q", "", { signal });
  await answer(broker);
  await call;
  await failure(client.call("missing", "", { signal }));
  assert.equal(listeners(), 0);
});

Deno.test("a closed client does not go on listening to signals", async () => {
  await using scene = start();
  const { client } = scene;
  await client.close();
  const { signal, listeners } = countedSignal();
  sees(await failure(client.call("q", "", { signal })), "canceled", "closed");
  assert.equal(listeners(), 0);
});

Deno.test("an abort is told to the server", async () => {
  await using scene = start();
  const { broker, client } = scene;
  const canceled: string[] = [];
  broker.listen("q", (correlationId) => canceled.push(correlationId));
  const controller = new AbortController();
  const call = client.call("q", "", { signal: controller.signal });
  const { properties: { correlationId } } = await broker.take("q");
  controller.abort();
  await failure(call);
  assert.deepEqual(canceled, [correlationId]);
});
