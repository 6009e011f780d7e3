// Priorities from the caller to the procedure: in the queue, in the server, and in
// what a command is told.

import assert from "node:assert/strict";
import { connect } from "../../src/amqp/connect.ts";
import { contractTest, unique } from "../broker/support/contract.ts";
import { Client } from "../broker/support/client.ts";
import { args } from "../broker/support/properties.ts";
import { run, start } from "../support/program.ts";
import { waitUntil } from "../support/wait.ts";

contractTest("a queue is declared with its arguments", async (url) => {
  await using stranger = await Client.connect(url);
  const queue = unique();
  await using rpc = await connect(url);
  const expires = 3_000_000_000;
  await using server = await rpc.serve(queue, () => "", {
    declare: {
      deadLetterExchange: "dead",
      arguments: { "x-max-priority": 5, "x-expires": expires },
    },
  });
  const channel = await stranger.channel();
  // The broker compares all arguments with those that it has.
  const same = { "x-max-priority": 5, "x-dead-letter-exchange": "dead" };
  await channel.sendDeclareQueue(queue, { durable: true, args: args(same) });
  assert.match(await channel.refused(), /x-expires.*3000000000/);
  await server.stop();
});

contractTest("what waits is taken by priority", async (url) => {
  const queue = unique();
  await using rpc = await connect(url);
  const options = {
    concurrency: 1,
    prefetch: 1,
    declare: { arguments: { "x-max-priority": 10 } },
  };
  const release = Promise.withResolvers<void>();
  const ran: (number | undefined)[] = [];
  await using server = await rpc.serve(queue, async ({ priority }) => {
    ran.push(priority);
    await release.promise;
    return "";
  }, options);
  const calls = [rpc.call(queue, "")];
  await waitUntil("the first", () => ran.length === 1, 20_000);
  for (const priority of [1, 9, 5, 9]) {
    calls.push(rpc.call(queue, "", { priority }));
  }
  await waitUntil(
    "all wait",
    async () => (await rpc.inspect(queue))?.messages === 4,
    20_000,
  );
  release.resolve();
  await Promise.all(calls);
  assert.deepEqual(ran, [undefined, 9, 9, 5, 1]);
  await server.stop();
});

contractTest("flags reach the queue and the command", async (url) => {
  const queue = unique();
  const print = "printf %s $RABBIT_RPC_REQUEST_PRIORITY";
  await using server = await start([
    ...["server", queue, "--url", url, "--queue-arg", "x-max-priority=3"],
    ...["--", "sh", "-c", print],
  ]);
  await server.waitFor("Awaiting RPC requests");
  const { stdout, stderr } = await run(
    ["client", queue, "x", "--url", url, "--priority", "2"],
  );
  assert.deepEqual([stdout, stderr], ["2", ""]);
  await using stranger = await Client.connect(url);
  const channel = await stranger.channel();
  await channel.sendDeclareQueue(queue, { durable: true });
  assert.match(await channel.refused(), /x-max-priority/);
});
