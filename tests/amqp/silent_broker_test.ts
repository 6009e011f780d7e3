// A broker that accepts connections and says nothing.

import { test } from "../support/needs.ts";
import assert from "node:assert/strict";
import { connect, RpcError } from "../../src/mod.ts";

test("a connection that was given up is closed", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = assert.rejects(
    connect(`amqp://127.0.0.1:${listener.addr.port}`, {
      // Shorter than the time-out: it must not end the attempt unseen.
      heartbeatMs: 1_000,
      connectTimeoutMs: 1_500,
    }),
    (error) => error instanceof RpcError && /within 1.5s/.test(error.message),
  );
  using accepted = await listener.accept();
  const buffer = new Uint8Array(100);
  assert.equal(await accepted.read(buffer), 8);
  await connecting;
  assert.equal(await accepted.read(buffer), null);
});
