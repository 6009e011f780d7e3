// Ends that are asked for twice, at once, in any order, and from anywhere.

import assert from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import { connect, type RpcConnection } from "../../src/mod.ts";
import {
  AmqpTransport,
  connectSettings,
  RpcClient,
  RpcServer,
} from "../../src/transport.ts";
import { method, startPeer } from "../support/fake_peer.ts";
import { test } from "../support/needs.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import { turns, within } from "../support/within.ts";

/** Where each end takes the 2 s of a lost goodbye, this is passed. */
const ENDS = 8;
const SOON_MS = 8_000;

async function soon(endings: () => Promise<unknown>): Promise<void> {
  const startedMs = performance.now();
  await endings();
  assert.ok(performance.now() - startedMs < SOON_MS);
}

test("goodbye is said once, and every close waits for the answer", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let farewells = 0;
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    await talk.hear(10, 50);
    farewells++;
    asked.resolve();
    await answer.promise;
    await talk.send(method(0, 10, 51));
    await talk.hear(10, 50);
    farewells++;
  });
  const rpc = await connect(peer.url);
  let closed = 0;
  const count = (): void => {
    closed++;
  };
  const closings = [rpc.close().then(count), rpc.close().then(count)];
  await within("the goodbye", asked.promise);
  closings.push(rpc.close().then(count), rpc[Symbol.asyncDispose]());
  await turns();
  assert.equal(closed, 0);
  answer.resolve();
  await within("all closes", Promise.all(closings));
  await rpc.close();
  assert.equal(farewells, 1);
});

test("a transport, its client and its server end in any order, at once", async () => {
  await using broker = await startBroker();
  await soon(async () => {
    for (let n = 0; n < ENDS; n++) {
      const transport = new AmqpTransport(connectSettings(broker.url));
      const client = new RpcClient(transport);
      const server = new RpcServer(transport, "q", ({ bytes }) => bytes);
      await server.ready;
      assert.equal((await client.call("q", "x")).text(), "x");
      const ends = [
        () => transport.close(),
        () => client.close(),
        () => server.stop(),
        () => server.stop({ graceMs: 0 }),
      ];
      // Each is first in turn, and each comes twice.
      for (let k = 0; k < n; k++) ends.push(ends.shift()!);
      await Promise.all([...ends, ...ends].map((end) => end()));
    }
  });
  await broker.waitFor(() => broker.connections.length === 0);
});

test("queues may be cancelled and closed twice, at once", async () => {
  await using broker = await startBroker();
  await using transport = new AmqpTransport(connectSettings(broker.url));
  const connection = await transport.connection();
  await soon(async () => {
    for (let n = 0; n < ENDS; n++) {
      const [callbacks, requests] = await Promise.all([
        connection.openCallbackQueue(() => {}),
        connection.openRequestQueue("q", {
          prefetch: 1,
          declare: {},
          deliveryLimit: 20,
          unackedMs: 30_000,
          onConsumerTimeout: () => {},
          onCancel: () => {},
          onControl: () => {},
          onReturn: () => {},
        }),
      ]);
      await Promise.all([
        requests.cancel(),
        requests.cancel(),
        callbacks.close(),
        callbacks.close(),
        requests.close(),
        requests.close(),
      ]);
      await requests.cancel();
    }
  });
  assert.equal(broker.queue("q")?.consumers, 0);
});

test("the shortest grace counts, whichever stop it comes with", async () => {
  await using broker = await startBroker();
  for (const [first, second] of [[600_000, 50], [50, 600_000]]) {
    await using rpc = await connect(broker.url);
    const running = Promise.withResolvers<void>();
    const server = await rpc.serve("q", (_, { signal }) => {
      running.resolve();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    });
    const call = rpc.call("q", "x", { timeoutMs: 600_000 });
    const ended = assert.rejects(call, { code: "canceled" });
    await running.promise;
    const stops = [first, second].map((graceMs) => server.stop({ graceMs }));
    await within("both stops", Promise.all(stops));
    await rpc.close();
    await ended;
  }
});

test("a server that is starting is stopped, twice", async () => {
  await using broker = await startBroker();
  await using transport = new AmqpTransport(connectSettings(broker.url));
  const server = new RpcServer(transport, "q", () => "");
  const ready = assert.rejects(server.ready, { code: "canceled" });
  await within("both", Promise.all([server.stop(), server.stop(), ready]));
  await server.finished;
  await broker.waitFor(() => !broker.queue("q")?.consumers);
});

test("closing while servers start and calls wait ends them all", async () => {
  await using broker = await startBroker();
  const rpc = await connect(broker.url);
  const outcomes = Promise.allSettled([
    rpc.serve("q", () => ""),
    rpc.call("q", ""),
    rpc.inspect("q"),
  ]);
  await within("both closes", Promise.all([rpc.close(), rpc.close()]));
  const [serving, calling] = await within("all", outcomes);
  assert.equal(serving.status, "rejected");
  assert.equal(calling.status, "rejected");
  await assert.rejects(rpc.serve("q", () => ""), { reason: "closed" });
  await assert.rejects(rpc.call("q", ""), { reason: "closed" });
});

test("an event handler may close what it hears of", async () => {
  await using broker = await startBroker();
  const heard: string[] = [];
  const transport: AmqpTransport = new AmqpTransport(
    connectSettings(broker.url, {
      onEvent: ({ type }) => {
        heard.push(type);
        void transport.close();
      },
    }),
  );
  const connecting = within("the end", transport.connection({ patient: true }));
  await assert.rejects(connecting, { reason: "closed" });
  await transport.close();
  assert.deepEqual(heard, ["connected"]);
  await broker.waitFor(() => broker.connections.length === 0);
});

test("a procedure may close its own connection, and is answered", async () => {
  await using broker = await startBroker();
  await using caller = await connect(broker.url);
  const closings: Promise<void>[] = [];
  const serving: RpcConnection = await connect(broker.url);
  await serving.serve("q", () => {
    closings.push(serving.close(), serving.close());
    return "goodbye";
  });
  assert.equal((await caller.call("q", "")).text(), "goodbye");
  await within("the end", Promise.all(closings));
});

test("a development broker may be closed twice, at once", async () => {
  const broker = await startBroker();
  const rpc = await connect(broker.url);
  await Promise.all([broker.close(), broker.close(), rpc.close(), rpc.close()]);
  await broker.close();
});

rabbitMqTest(
  "RabbitMQ hears a goodbye from all that is closed twice",
  async () => {
    await using rabbitMq = await startRabbitMq();
    await soon(async () => {
      for (let n = 0; n < ENDS; n++) {
        const rpc = await connect(rabbitMq.url);
        await rpc.serve("q", ({ bytes }) => bytes);
        assert.equal((await rpc.call("q", "x")).text(), "x");
        await Promise.all([rpc.close(), rpc.close()]);
      }
    });
    const log = await rabbitMq.logTail();
    // It has no name for those that end in good order, unless asked for more.
    assert.doesNotMatch(log, /closing AMQP connection .* closed twice/);
  },
);
