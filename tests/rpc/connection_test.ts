// Tests of src/rpc/connection.ts: how long a broker takes, and the end.

import assert from "node:assert/strict";
import { RpcConnection } from "../../src/rpc/connection.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import { FakeBroker } from "../support/fake_transport.ts";

Deno.test("rttMs() ends in time where the broker does not answer", async () => {
  const broker = new FakeBroker();
  await using rpc = new RpcConnection(broker.connect());
  assert.equal(await rpc.rttMs(), 1);
  const answer = broker.hold("inspect");
  await assert.rejects(rpc.rttMs({ timeoutMs: 10 }), (error: RpcError) => {
    assert.equal(error.code, "deadline_exceeded");
    assert.match(error.message, /the broker has not answered within 10ms/);
    return true;
  });
  answer();
  assert.equal(await rpc.rttMs({ timeoutMs: 1_000 }), 1);
  await assert.rejects(rpc.rttMs({ timeoutMs: -1 }), RangeError);
});

Deno.test("rttMs() ends in time where there is no connection", async () => {
  const broker = new FakeBroker();
  const connect = broker.hold("connection");
  await using rpc = new RpcConnection(broker.connect());
  await assert.rejects(rpc.rttMs({ timeoutMs: 10 }), {
    code: "deadline_exceeded",
    message: /no connection to a broker/,
  });
  connect();
});

Deno.test("closed resolves after close(), with the reason", async () => {
  const rpc = new RpcConnection(new FakeBroker().connect());
  await rpc.open();
  await rpc.close();
  const reason = await rpc.closed;
  assert.ok(reason instanceof RpcError);
  assert.equal(reason.reason, "closed");
  assert.equal(reason.cause, undefined);
  await assert.rejects(rpc.rttMs(), { reason: "closed" });
  await assert.rejects(rpc.call("q", ""), { reason: "closed" });
});

Deno.test("closed tells what went wrong while closing", async () => {
  const transport = new FakeBroker().connect();
  const failure = new Error("the socket is stuck");
  transport.close = () => Promise.reject(failure);
  const rpc = new RpcConnection(transport);
  await assert.rejects(rpc.close(), failure);
  assert.equal((await rpc.closed).cause, failure);
});

Deno.test("a lost connection is not closed: the next call makes another", async () => {
  const broker = new FakeBroker();
  const transport = broker.connect();
  const rpc = new RpcConnection(transport);
  let isClosed = false;
  const closed = rpc.closed.then((reason) => {
    isClosed = true;
    return reason;
  });
  await rpc.open();
  await transport.lose();
  assert.equal(await rpc.rttMs(), 1);
  assert.equal(isClosed, false);
  await rpc.close();
  assert.equal((await closed).reason, "closed");
});
