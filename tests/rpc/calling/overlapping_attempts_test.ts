// Attempts of one call that are under way at once.

import assert from "node:assert/strict";
import { connect } from "../../../src/mod.ts";
import { rabbitMqTest, sharedRabbitMq } from "../../support/rabbitmq.ts";

rabbitMqTest("a call that is over leaves no attempt behind", async () => {
  const { url } = await sharedRabbitMq();
  const queue = "overlapping-attempts";
  await using rpc = await connect(url);
  const first = await rpc.serve(queue, (request) => request.text());
  await first.stop();

  const second = Promise.withResolvers<void>();
  const calling = rpc.call(queue, "once", {
    retries: 5,
    attemptTimeoutMs: 200,
    onAttempt: (attempt) => attempt === 2 && second.resolve(),
  });
  await second.promise;
  // Answers one attempt only: the other would wait until its deadline.
  const server = await rpc.serve(queue, (request) => request.text(), {
    count: 1,
    prefetch: 1,
  });
  assert.equal((await calling).text(), "once");
  assert.equal(rpc.stats.inFlight, 0);
  await server.finished;
});
