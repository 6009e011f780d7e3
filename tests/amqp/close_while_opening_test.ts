// Ends of a client whose second channel the broker does not open.

import assert from "node:assert/strict";
import { startBroker } from "../../src/broker/broker.ts";
import { connect } from "../../src/mod.ts";
import {
  AmqpTransport,
  connectSettings,
  RpcClient,
} from "../../src/transport.ts";
import { test } from "../support/needs.ts";
import { within } from "../support/within.ts";

/** The queue, the confirms and two channels, 2 s each at most. */
const SOON_MS = 12_000;

for (const fault of ["block", "stall"] as const) {
  test(`a client is closed under this fault: ${fault}`, async () => {
    await using broker = await startBroker();
    await using server = await connect(broker.url);
    await server.serve("q", () => "fine");
    await using transport = new AmqpTransport(
      connectSettings(broker.url, { name: "caller" }),
    );
    const client = new RpcClient(transport);
    await client.call("q", "");
    const caller = broker.connections.find(({ name }) => name === "caller");
    assert.ok(caller);
    const trouble = caller[fault]();
    // Its queue has answered: a channel without confirms is wanted.
    const call = client.call("q", "", { timeoutMs: 300 });
    await Promise.allSettled([call]);
    await within("the client's end", client.close(), SOON_MS);
    trouble.end();
  });
}
