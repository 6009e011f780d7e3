// Requests for which a broker closes connections.

import assert from "node:assert/strict";
import type { RpcError } from "../../src/mod.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { connected } from "./connected.ts";

/** What 3.10 and 4.0 can't read ends the connection that it comes by. */
const RUINOUS = "amq.rabbitmq.reply-to.g1h2.x";

rabbitMqTest(
  "a request that ends connections is sent twice at most",
  async () => {
    const { url } = await sharedRabbitMq();
    const queue = `test-${crypto.randomUUID()}`;
    await using serving = await connected(url);
    await serving.rpc.serve(queue, (request) => request.text());
    await using calling = await connected(url);
    const { rpc } = calling;
    const options = { retries: 3, timeoutMs: 20_000 };
    const call = (body: string) => rpc.call(queue, body, options);
    const before = ["1", "2", "3"].map(call);
    const attempts: number[] = [];
    const ruinous = rpc.call(RUINOUS, "", {
      ...options,
      onAttempt: (attempt) => attempts.push(attempt),
    }).then(() => assert.fail("answered"), (error: RpcError) => error);
    const after = ["4", "5", "6"].map(call);
    const replies = await Promise.all([...before, ...after]);
    assert.deepEqual(
      replies.map((reply) => reply.text()),
      ["1", "2", "3", "4", "5", "6"],
    );
    // Later versions return it, for there is no such queue.
    const { reason, details } = await ruinous;
    if (reason === "no_queue") return;
    assert.equal(reason, "connection_lost");
    assert.equal(details.reply_code, 541);
    assert.deepEqual(attempts, [1, 2]);
    const lost = calling.events.filter((event) => event === "lost");
    assert.equal(lost.length, 2);
    assert.equal((await call("again")).text(), "again");
  },
);
