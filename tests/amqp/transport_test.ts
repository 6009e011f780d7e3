// Tests of src/amqp/transport.ts: waits that are ended, and what a broker may
// negotiate.

import { test } from "../support/needs.ts";
import assert from "node:assert/strict";
import { connect } from "../../src/amqp/connect.ts";
import { connectSettings } from "../../src/amqp/options.ts";
import { AmqpTransport } from "../../src/amqp/transport.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import {
  closing,
  concat,
  long,
  method,
  OPEN_OK,
  shortString,
  START,
  startPeer,
  type Talk,
  tune,
} from "../support/fake_peer.ts";
import { freePort } from "../support/ports.ts";
import { within } from "../support/within.ts";

/** What is left between two attempts, in ms; a timer may be a little early. */
const PAUSE_MS = 95;

test("closing while connecting ends the attempt", async () => {
  const reached = Promise.withResolvers<void>();
  await using peer = startPeer(async (talk) => {
    await talk.read(8);
    reached.resolve();
  });
  const transport = new AmqpTransport(connectSettings(peer.url));
  const connecting = Promise.allSettled([
    transport.connection({ patient: true }),
  ]);
  await within("the greeting", reached.promise);
  await transport.close();
  const [outcome] = await within("the end", connecting);
  assert.equal(outcome.status, "rejected");
  assert.equal((outcome.reason as RpcError).reason, "closed");
});

test("an aborted signal ends a patient wait for a broker", async () => {
  const controller = new AbortController();
  const unreachable = Promise.withResolvers<void>();
  const settings = connectSettings(`amqp://127.0.0.1:${freePort()}`, {
    onEvent: () => unreachable.resolve(),
  });
  await using transport = new AmqpTransport(settings);
  const { signal } = controller;
  const connecting = transport.connection({ patient: true, signal });
  const outcome = Promise.allSettled([connecting]);
  await within("one failure", unreachable.promise);
  controller.abort(new RpcError("canceled", "enough"));
  const [{ status }] = await within("the end", outcome);
  assert.equal(status, "rejected");
});

test("attempts that fail are made one at a time, with pauses", async () => {
  const settings = connectSettings("amqp://127.0.0.1:1");
  const dialedAtMs: number[] = [];
  await using transport = new AmqpTransport({
    ...settings,
    dial: () => {
      dialedAtMs.push(performance.now());
      return Promise.reject(new Error("refused"));
    },
  });
  const refused = () =>
    assert.rejects(transport.connection(), { reason: "broker_unreachable" });
  await refused();
  // Two that ask at once, one after them.
  await Promise.all([refused(), refused()]);
  await refused();
  assert.equal(dialedAtMs.length, 3);
  const [first = 0, second = 0, third = 0] = dialedAtMs;
  assert.ok(second - first >= PAUSE_MS, `${second - first} ms`);
  assert.ok(third - second >= PAUSE_MS, `${third - second} ms`);
});

/** Answers what a caller needs before it can publish. */
async function acceptCaller(talk: Talk): Promise<void> {
  while (true) {
    const { type, channel, payload } = await talk.frame();
    if (type !== 1) continue;
    const replies: Record<string, Uint8Array> = {
      "20.10": method(channel, 20, 11, long(0)),
      "20.40": method(channel, 20, 41),
      "85.10": method(channel, 85, 11),
      "50.10": method(channel, 50, 11, shortString("cb"), long(0), long(0)),
      "50.40": method(channel, 50, 41, long(0)),
      "60.20": method(channel, 60, 21, shortString("tag")),
      "10.50": method(0, 10, 51),
    };
    const name = `${payload[1]}.${payload[3]}`;
    if (name === "60.40") return;
    if (replies[name]) await talk.send(replies[name]);
  }
}

for (const frameMax of [4096, 0]) {
  test(`a broker whose frames hold ${frameMax || "any number of"} bytes gets requests`, async () => {
    const published = Promise.withResolvers<void>();
    await using peer = startPeer(async (talk) => {
      await talk.read(8);
      await talk.send(concat(START, tune(frameMax), OPEN_OK));
      await acceptCaller(talk);
      published.resolve();
      await talk.send(closing(320, "enough"));
    });
    await using rpc = await connect(peer.url);
    const call = rpc.call("q", new Uint8Array(10_000), { timeoutMs: 4_000 });
    const failed = assert.rejects(
      call,
      (error) =>
        error instanceof RpcError && error.reason === "connection_lost",
    );
    await Promise.all([failed, within("the request", published.promise)]);
  });
}
