// A broker that allows few channels on a connection.

import assert from "node:assert/strict";
import { connect, type RpcError } from "../../src/mod.ts";
import { startBroker } from "../../src/broker/broker.ts";
import { test } from "../support/needs.ts";
import { within } from "../support/within.ts";

const SHORT_MS = 300;

test("four channels are enough to call, to cancel and to look for a server", async () => {
  await using broker = await startBroker({ channelMax: 4 });
  await using serving = await connect(broker.url);
  await using rpc = await connect(broker.url, { connectTimeoutMs: SHORT_MS });
  const heard = Promise.withResolvers<void>();
  await serving.serve("q", (request, { signal }) => {
    if (request.text() !== "never") return request.text();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        heard.resolve();
        reject(signal.reason);
      })
    );
  });
  // The second asks for no confirm, since the first was answered.
  assert.equal((await rpc.call("q", "1")).text(), "1");
  assert.equal((await rpc.call("q", "2")).text(), "2");
  const aborting = new AbortController();
  const { signal } = aborting;
  const canceled = assert.rejects(rpc.call("q", "never", { signal }));
  await broker.waitFor(() => broker.queue("q")?.unacknowledged === 1);
  aborting.abort();
  await canceled;
  await within("the abort", heard.promise);
  const reply = await rpc.call("q", "3", { requireConsumer: true });
  assert.equal(reply.text(), "3");
  assert.equal((await rpc.inspect("q"))?.consumers, 1);
});

test("where no channel is left to ask over, a call that wants a server says so", async () => {
  await using broker = await startBroker({ channelMax: 2 });
  await using rpc = await connect(broker.url, { connectTimeoutMs: SHORT_MS });
  await assert.rejects(
    rpc.call("q", "", { requireConsumer: true, timeoutMs: 20 * SHORT_MS }),
    ({ code, reason, message }: RpcError) =>
      code === "resource_exhausted" && reason === "not_admitted" &&
      /all channels that the broker allows/.test(message),
  );
});
