// Tests of src/rpc/calling/client.ts: which requests the broker confirms.

import assert from "node:assert/strict";
import { RpcClient } from "../../../src/rpc/calling/client.ts";
import type { CallOptions } from "../../../src/rpc/calling/call_options.ts";
import { DOUBT_MS } from "../../../src/rpc/calling/answering_queues.ts";
import type { CallInterceptor } from "../../../src/rpc/calling/client_options.ts";
import { answer, failure, sees, start } from "../../support/calling.ts";
import type { FakeBroker } from "../../support/fake_transport.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { turns } from "../../support/within.ts";

type Scene = ReturnType<typeof start>;

/** Whether the request of a call that is answered was confirmed. */
async function confirms(
  { broker, client }: Scene,
  options?: CallOptions,
): Promise<boolean> {
  const before = confirmed(broker);
  const call = client.call("q", "", options);
  await answer(broker);
  await call;
  await turns();
  return confirmed(broker) > before;
}

function confirmed({ log }: FakeBroker): number {
  return log.filter((event) => event === "confirm q").length;
}

Deno.test("only the first request to a queue that answers is confirmed", async () => {
  await using scene = start();
  assert.equal(await confirms(scene), true);
  assert.equal(await confirms(scene), false);
  assert.equal(await confirms(scene), false);
});

Deno.test("a queue is known by its replies, not by those of others", async () => {
  await using scene = start();
  const { broker, client } = scene;
  broker.declare("other");
  const call = client.call("other", "");
  const { properties } = await broker.take("other");
  broker.send(properties.replyTo!, "", properties);
  await call;
  assert.equal(await confirms(scene), true);
});

const ASKED: CallOptions[] = [
  { confirm: true },
  { persistent: true },
  { retries: 1 },
  { wait: true },
];
for (const options of ASKED) {
  Deno.test(`confirmed each time: ${JSON.stringify(options)}`, async () => {
    await using scene = start();
    assert.equal(await confirms(scene, options), true);
    assert.equal(await confirms(scene, options), true);
    assert.equal(await confirms(scene), false);
  });
}

Deno.test("confirmed again after a call that was not answered in time", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await confirms(scene);
  const late = client.call("q", "", { timeoutMs: 20 });
  await broker.take("q");
  sees(await failure(late), "unavailable", "no_consumer");
  assert.equal(await confirms(scene), true);
  assert.equal(await confirms(scene), true);
  using time = new FakeTime(Date.now());
  time.advance(DOUBT_MS);
  assert.equal(await confirms(scene), true);
  assert.equal(await confirms(scene), false);
});

Deno.test("confirmed again after a call that was aborted", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await confirms(scene);
  assert.equal(await confirms(scene), false);
  const abort = new AbortController();
  const call = client.call("q", "", { signal: abort.signal });
  await broker.take("q");
  abort.abort();
  sees(await failure(call), "canceled");
  assert.equal(await confirms(scene), true);
});

Deno.test("what was sent without a confirm is distrusted once", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await confirms(scene);
  for (const _ of ["first", "second"]) {
    const late = client.call("q", "", { timeoutMs: 20 });
    await broker.take("q");
    await failure(late);
  }
  assert.deepEqual(broker.log.filter((it) => it === "distrust"), ["distrust"]);
});

Deno.test("an attempt interceptor may ask for a confirm", async () => {
  const scene = start();
  const confirm: CallInterceptor = (next) => (call) =>
    next({ ...call, options: { ...call.options, confirm: true } });
  await using client = new RpcClient(scene.transport, {
    attemptInterceptors: [confirm],
  });
  scene.client = client;
  assert.equal(await confirms(scene), true);
  assert.equal(await confirms(scene), true);
});

Deno.test("confirmed again over a new connection", async () => {
  await using scene = start();
  await confirms(scene);
  assert.equal(await confirms(scene), false);
  await scene.transport.lose();
  assert.equal(await confirms(scene), true);
});

Deno.test("a refusal is heard of at once where it is confirmed", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await confirms(scene);
  broker.refuse("q");
  const plain = await failure(client.call("q", "", { timeoutMs: 20 }));
  sees(plain, "unavailable", "no_consumer");
  for (const options of [{ confirm: true }, {}]) {
    const error = await failure(client.call("q", "", options));
    sees(error, "resource_exhausted", "rejected");
    assert.equal(error.maybeExecuted, false);
  }
});

Deno.test("a refusal makes the next requests confirmed", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await confirms(scene);
  broker.refuse("q");
  const refused = await failure(client.call("q", "", { confirm: true }));
  sees(refused, "resource_exhausted", "rejected");
  sees(await failure(client.call("q", "")), "resource_exhausted", "rejected");
});

Deno.test("a missing queue is told at once, confirmed or not", async () => {
  await using scene = start();
  const { broker, client } = scene;
  await confirms(scene);
  broker.delete("q");
  const before = confirmed(broker);
  sees(await failure(client.call("q", "")), "unavailable", "no_queue");
  assert.equal(confirmed(broker), before);
});
