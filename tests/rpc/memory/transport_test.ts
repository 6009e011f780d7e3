// A connection over the transport in memory: what users' own unit tests do.

import assert from "node:assert/strict";
import { RpcConnection } from "../../../src/rpc/connection.ts";
import { MemoryBroker } from "../../../src/rpc/memory/broker.ts";
import { MemoryTransport } from "../../../src/rpc/memory/transport.ts";
import type { ServerEvent } from "../../../src/rpc/serving/server_events.ts";

Deno.test("calls and serves in one process", async () => {
  await using rpc = new RpcConnection(new MemoryTransport());
  await using _ = await rpc.serve("double", (request) => {
    return { twice: 2 * (request.json() as { n: number }).n };
  });
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, n) => rpc.call("double", { n })),
  );
  assert.deepEqual(
    replies.map((reply) => reply.json()),
    Array.from({ length: 50 }, (_, n) => ({ twice: 2 * n })),
  );
  await assert.rejects(rpc.call("nowhere", ""), { reason: "no_queue" });
  assert.ok(await rpc.rttMs() >= 0);
});

Deno.test("transports of one broker meet; what is left goes to others", async () => {
  const broker = new MemoryBroker();
  await using caller = new RpcConnection(new MemoryTransport(broker));
  const first = new RpcConnection(new MemoryTransport(broker));
  const started = Promise.withResolvers<void>();
  await first.serve("q", (_, { signal }) => {
    started.resolve();
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve("late"));
    });
  }, { graceMs: 0 });
  const call = caller.call("q", "");
  await started.promise;
  await first.close();
  await using second = new RpcConnection(new MemoryTransport(broker));
  await second.serve("q", (request) => `redelivered ${request.redelivered}`);
  assert.equal((await call).text(), "redelivered true");
});

Deno.test("inspecting opens no callback queue", async () => {
  const broker = new MemoryBroker();
  broker.declare("q");
  await using rpc = new RpcConnection(new MemoryTransport(broker));
  assert.deepEqual(await rpc.inspect("q"), {
    queue: "q",
    messages: 0,
    consumers: 0,
  });
  assert.equal(broker.inspect("amq.gen-1"), undefined);
});

Deno.test("drain() finishes calls in flight, takes no new ones, closes", async () => {
  const held = Promise.withResolvers<string>();
  const started = Promise.withResolvers<void>();
  const broker = new MemoryBroker();
  const caller = new RpcConnection(new MemoryTransport(broker));
  const server = new RpcConnection(new MemoryTransport(broker));
  await server.serve("q", () => (started.resolve(), held.promise));
  const call = caller.call("q", "", { retries: 1 });
  await started.promise;
  const drained = caller.drain();
  assert.equal(caller.drain(), drained);
  await assert.rejects(caller.call("q", ""), { reason: "closed" });
  held.resolve("done");
  assert.equal((await call).text(), "done");
  await drained;
  assert.equal((await caller.closed).reason, "closed");
  await server.close();
});

Deno.test("a server tells its events until it has stopped", async () => {
  await using rpc = new RpcConnection(new MemoryTransport());
  const server = await rpc.serve("q", () => "");
  const types: ServerEvent["type"][] = [];
  const reading = (async () => {
    for await (const { type } of server.events()) types.push(type);
  })();
  await rpc.call("q", "");
  await server.stop();
  await reading;
  assert.deepEqual(types, ["request", "answered", "draining"]);
});
