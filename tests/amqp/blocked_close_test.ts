// Ends of a connection that the broker blocks.

import assert from "node:assert/strict";
import { connect } from "../../src/mod.ts";
import { rabbitMqTest, startRabbitMq } from "../support/rabbitmq.ts";
import { connectHooks } from "../support/hooks.ts";

/** Saying goodbye takes 2 s at most, and so do confirms. */
const SOON_MS = 8_000;

rabbitMqTest("what the broker blocks can be closed all the same", async () => {
  await using rabbitMq = await startRabbitMq();
  const blocked = Promise.withResolvers<void>();
  await using calling = await connect(
    rabbitMq.url,
    connectHooks({
      onEvent: ({ type }) => type === "blocked" && blocked.resolve(),
    }),
  );
  await using serving = await connect(rabbitMq.url);
  await serving.serve("blocked-close", (request) => request.text());
  await calling.call("blocked-close", "once");
  await rabbitMq.blockPublishers();
  const call = calling.call("blocked-close", "again");
  const outcome = assert.rejects(call, { code: "canceled" });
  await blocked.promise;
  const startedMs = performance.now();
  await Promise.all([calling.close(), serving.close()]);
  await outcome;
  assert.ok(performance.now() - startedMs < SOON_MS);
});
