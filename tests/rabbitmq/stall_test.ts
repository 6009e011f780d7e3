// A link that goes dead without a word, in either direction or in both.

import assert from "node:assert/strict";
import { type Direction, startProxy } from "../support/proxy.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { within } from "../support/within.ts";
import { fakeServer } from "../cli/fake_server.ts";
import { uniqueQueue } from "../cli/scene.ts";
import { connected } from "./connected.ts";

const HEARTBEAT_MS = 1_000;
/** What a busy machine may add; without heartbeats it would take 30 s. */
const SLACK_MS = 3_000;
/**
 * Twice the interval where we hear nothing. Where only the broker hears
 * nothing, its own delay: two to three intervals.
 */
const NOTICED_MS: Record<Direction | "both", number> = {
  up: 3 * HEARTBEAT_MS + SLACK_MS,
  down: 2 * HEARTBEAT_MS + SLACK_MS,
  both: 2 * HEARTBEAT_MS + SLACK_MS,
};

for (const direction of ["up", "down", "both"] as const) {
  const stalled = `a link stalled ${
    direction === "both" ? "both ways" : direction
  }`;
  const boundMs = NOTICED_MS[direction];

  rabbitMqTest(`${stalled} is noticed by a client`, async () => {
    const { url, port } = await sharedRabbitMq();
    const queue = uniqueQueue();
    await using proxy = await startProxy(port);
    await using server = await fakeServer(url, queue, (request, server) => {
      if (request.content.toString() === "again") server.answer(request, "ok");
    });
    await using client = await connected(proxy.url(url), {
      heartbeatMs: HEARTBEAT_MS,
    });
    const calls = ["one", "two"].map((body) => client.rpc.call(queue, body));
    const rejected = calls.map((call) =>
      assert.rejects(call, {
        code: "unavailable",
        reason: "connection_lost",
        maybeExecuted: true,
      })
    );
    await server.received(2);
    proxy.stall(direction);
    await within("the calls to fail", Promise.all(rejected), boundMs);
    assert.deepEqual(client.rpc.stats.inFlight, 0);
    proxy.resume();
    assert.equal((await client.rpc.call(queue, "again")).text(), "ok");
    assert.deepEqual(client.events, ["connected", "lost", "connected"]);
  });

  rabbitMqTest(`${stalled} is noticed by a server`, async () => {
    const { url, port } = await sharedRabbitMq();
    const queue = uniqueQueue();
    await using proxy = await startProxy(port);
    await using serving = await connected(proxy.url(url), {
      heartbeatMs: HEARTBEAT_MS,
    });
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<string>();
    let runs = 0;
    await using _server = await serving.rpc.serve(queue, () => {
      runs++;
      begun.resolve();
      return held.promise;
    });
    await using client = await connected(url);
    const call = client.rpc.call(queue, "x");
    await within("the request", begun.promise);
    proxy.stall(direction);
    await serving.event("lost", { boundMs });
    proxy.resume();
    await serving.event("connected", { occurrence: 2 });
    // Held over, or run again when it is delivered again: it is answered.
    held.resolve("at last");
    assert.equal((await call).text(), "at last");
    const before = runs;
    assert.equal((await client.rpc.call(queue, "y")).text(), "at last");
    assert.ok(runs > before, "the second call was run");
    assert.deepEqual(client.events, ["connected"]);
  });
}
