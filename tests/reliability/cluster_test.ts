// A cluster that loses the node that everything is on.

import assert from "node:assert/strict";
import { startCluster } from "../support/cluster.ts";
import type { RabbitMq } from "../support/rabbitmq.ts";
import { rabbitMqTest } from "../support/rabbitmq.ts";
import { rabbitMqSince } from "../support/rabbitmq_node.ts";
import { waitUntil } from "../support/wait.ts";
import {
  eventOf,
  Handler,
  serveWith,
  uniqueQueue,
  watched,
} from "./watching.ts";

const IN_FLIGHT = 32;
const CALLS_BEFORE = 200;
/** After the node was killed. */
const CALLS_AFTER = 300;

rabbitMqTest("a cluster", { slow: true }, async (t) => {
  await using cluster = await startCluster(3);
  const { nodes } = cluster;
  const [first, second, third] = nodes.map(({ url }) => url);
  const urls = [first, second, third];
  const classic = uniqueQueue("classic");
  await using answering = await watched(urls);
  const handler = new Handler();
  const serving = await serveWith(answering.rpc, classic, handler);
  await using _classic = serving.server;

  await t.step("loses the leader under load, and no call", async () => {
    await loseLeader(nodes, urls);
  });

  await t.step(
    "comes back with a queue that was on one node alone",
    async () => {
      await using caller = await watched([second, third]);
      // 404: its node is down. Since 4.0, RabbitMQ waits for the node instead.
      if (!rabbitMqSince(4)) {
        const { error } = await eventOf(serving.events, "interrupted", 2);
        assert.match(error.message, /404/);
      }
      // A node may take its time to come back.
      const options = { wait: true, timeoutMs: 120_000 };
      const call = caller.rpc.call(classic, "30", options);
      await nodes[0].start();
      (await handler.run()).finish("832040");
      assert.equal((await call).text(), "832040");
    },
  );
});

async function loseLeader(
  nodes: readonly RabbitMq[],
  [first, second, third]: string[],
): Promise<void> {
  const queue = uniqueQueue("quorum");
  // Whoever declares a queue is connected to the node of its leader.
  await using answering = await watched([first, second, third]);
  const server = await answering.rpc.serve(
    queue,
    (request) => `${request.text()}!`,
    { declare: { type: "quorum" } },
  );
  await using _server = server;
  const columns = ["name", "leader", "members"];
  const queues = await nodes[1].ctl("list_queues", ...columns);
  const row = queues.split("\n").find((row) => row.startsWith(queue));
  assert.ok(row, queues);
  const [, leader, members] = row.split("\t");
  assert.equal(leader, "rabbit-1@localhost");
  assert.equal(members.split(",").length, 3);

  // One caller loses its own connection, the other one does not.
  await using lost = await watched([first, third, second]);
  await using kept = await watched([second, third]);
  const callers = [lost.rpc, kept.rpc];
  let sent = 0;
  let answered = 0;
  let again = 0;
  let killed: Promise<void> | undefined;
  let toGo = Infinity;
  const lane = async () => {
    while (toGo > 0) {
      const n = sent++;
      const reply = await callers[n % 2].call(queue, `${n}`, {
        retries: 20,
        attemptTimeoutMs: 5_000,
        timeoutMs: 60_000,
        onAttempt: (attempt) => again += attempt > 1 ? 1 : 0,
      });
      assert.equal(reply.text(), `${n}!`);
      toGo--;
      if (++answered < CALLS_BEFORE) continue;
      killed ??= nodes[0].kill().then(() => void (toGo = CALLS_AFTER));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  await killed;
  assert.equal(answered, sent);
  assert.ok(again > 0);
  await eventOf(lost.events, "connected", 2);
  await eventOf(answering.events, "connected", 2);
  for (const { stats } of callers) assert.equal(stats.inFlight, 0);
  // What the lost node had delivered may come back after the last answer.
  const empty = new RegExp(`^${queue}\t0$`, "m");
  await waitUntil(
    "an empty queue",
    async () =>
      empty.test(await nodes[1].ctl("list_queues", "name", "messages")),
    30_000,
  );
  await server.stop();
}
