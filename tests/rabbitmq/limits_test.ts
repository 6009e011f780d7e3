// Limits by default, and what a procedure may not do to other replies.

import assert from "node:assert/strict";
import type { Procedure, RpcError } from "../../src/mod.ts";
import { rabbitMqTest, sharedRabbitMq } from "../support/rabbitmq.ts";
import { rabbitMqSince } from "../support/rabbitmq_node.ts";
import { connected } from "./connected.ts";

async function serving(procedure: Procedure) {
  const { url } = await sharedRabbitMq();
  const { rpc } = await connected(url);
  const queue = `test-${crypto.randomUUID()}`;
  await rpc.serve(queue, procedure);
  return {
    call: (body: string | Uint8Array) => rpc.call(queue, body),
    rpc,
    [Symbol.asyncDispose]: () => rpc.close(),
  };
}

rabbitMqTest(
  "16 MiB fit in both directions; a byte more does not",
  async () => {
    await using it = await serving(({ bytes }) =>
      bytes.length === 0 ? new Uint8Array(2 ** 24 + 1) : bytes
    );
    const largest = new Uint8Array(2 ** 24);
    assert.equal((await it.call(largest)).bytes.length, 2 ** 24);
    const ours = /16777217 bytes: .* 16MiB$/;
    // RabbitMQ 4 has the same limit itself.
    const theirs = /406 .* message size 16777217 is larger than /;
    const cases: [string | Uint8Array, RegExp][] = [
      [new Uint8Array(2 ** 24 + 1), rabbitMqSince(4) ? theirs : ours],
      ["", ours],
    ];
    for (const [body, message] of cases) {
      await assert.rejects(it.call(body), (error: RpcError) => {
        assert.equal(error.code, "resource_exhausted");
        assert.match(error.message, message);
        return true;
      });
    }
  },
);

rabbitMqTest(
  "a reply with copies disturbs neither queues nor replies",
  async () => {
    const victim = `test-${crypto.randomUUID()}`;
    await using it = await serving((request) =>
      request.text() === "plain"
        ? "fine"
        : { body: "x", headers: { [request.text()]: [victim] } }
    );
    let copies = 0;
    await using _victim = await it.rpc.serve(victim, () => `${copies++}`);
    const calls = ["CC", "plain", "BCC", "plain"].map((body) => it.call(body));
    const [cc, first, bcc, second] = await Promise.allSettled(calls);
    for (const refused of [cc, bcc]) {
      assert.ok(refused?.status === "rejected");
      assert.match(String(refused.reason), /headers must not have "B?CC"/);
    }
    for (const fine of [first, second]) {
      assert.ok(fine?.status === "fulfilled");
      assert.equal(fine.value.text(), "fine");
    }
  },
);

rabbitMqTest("a call can't have copies of its request sent", async () => {
  await using it = await serving(() => "");
  const headers = { BCC: ["elsewhere"] };
  await assert.rejects(it.rpc.call("q", "", { headers }), RangeError);
});
