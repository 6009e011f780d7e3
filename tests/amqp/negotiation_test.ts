// What both sides agree on at login, and logins of any size.

import assert from "node:assert/strict";
import { connect } from "../../src/amqp/connect.ts";
import type { ConnectOptions } from "../../src/amqp/options.ts";
import type { RpcError } from "../../src/rpc/errors.ts";
import {
  method,
  OPEN_OK,
  START,
  start,
  startPeer,
  type Talk,
  text,
  tune,
} from "../support/fake_peer.ts";
import { test } from "../support/needs.ts";
import { within } from "../support/within.ts";
import { connectHooks } from "../support/hooks.ts";

/** Logs a client in, and says goodbye to it. */
async function welcome(talk: Talk, offer: Uint8Array): Promise<Uint8Array> {
  await talk.read(8);
  await talk.send(START);
  await talk.hear(10, 11);
  await talk.send(offer);
  const tuneOk = await talk.hear(10, 31);
  await talk.hear(10, 40);
  await talk.send(OPEN_OK);
  await talk.hear(10, 50);
  await talk.send(method(0, 10, 51));
  return tuneOk;
}

/** The channels, bytes a frame and seconds that a client answers with. */
async function agreed(
  offer: Uint8Array,
  options: ConnectOptions = {},
  query = "",
): Promise<number[]> {
  const answer = Promise.withResolvers<Uint8Array>();
  await using peer = startPeer(async (talk) => {
    answer.resolve(await welcome(talk, offer));
  });
  const rpc = await connect(peer.url + query, options);
  await rpc.close();
  const { buffer, byteOffset } = await within("tune-ok", answer.promise);
  const view = new DataView(buffer, byteOffset);
  return [view.getUint16(0), view.getUint32(2), view.getUint16(6)];
}

const heartbeats: [string, number, number, number][] = [
  ["the smaller is ours", 5, 60, 5],
  ["the smaller is the broker's", 60, 5, 5],
  ["the broker has none: ours counts", 7, 0, 7],
  ["we ask for none: none", 0, 60, 0],
  ["nobody has any", 0, 0, 0],
];

for (const [what, oursS, heartbeatS, expected] of heartbeats) {
  test(`heartbeats: ${what}`, async () => {
    const offer = tune(131_072, { heartbeatS });
    const options = { heartbeatMs: oursS * 1000 };
    assert.deepEqual(await agreed(offer, options), [2047, 131_072, expected]);
  });
}

test("channels and frames: the smaller, the other's where one has no limit", async () => {
  const small = tune(4_096, { channelMax: 8 });
  assert.deepEqual(await agreed(small), [8, 4_096, 20]);
  const unlimited = tune(0, { channelMax: 0 });
  assert.deepEqual(await agreed(unlimited), [0, 131_072, 20]);
  const query = "?channel_max=100&frame_max=8192&heartbeat=3";
  assert.deepEqual(await agreed(unlimited, {}, query), [100, 8_192, 3]);
  assert.deepEqual(await agreed(tune(4_096), {}, query), [100, 4_096, 3]);
});

test("a broker without heartbeats hears ours, and its silence is noticed", async () => {
  const heard = Promise.withResolvers<void>();
  await using peer = startPeer(async (talk) => {
    await talk.handshake();
    while ((await talk.frame()).type !== 8);
    heard.resolve();
  });
  const lost = Promise.withResolvers<void>();
  await using _rpc = await connect(
    peer.url,
    connectHooks({
      heartbeatMs: 1_000,
      onEvent: ({ type }) => type === "lost" && lost.resolve(),
    }),
  );
  await within("a heartbeat", heard.promise);
  await within("the loss", lost.promise);
});

/** What a client of such a broker says at login. */
async function loginOf(
  password: string,
  options: ConnectOptions = {},
): Promise<Uint8Array> {
  const heard = Promise.withResolvers<Uint8Array>();
  await using peer = startPeer(async (talk) => {
    const { startOk } = await talk.handshake();
    heard.resolve(startOk);
    await talk.hear(10, 50);
    await talk.send(method(0, 10, 51));
  });
  const rpc = await connect(peer.url, { ...options, password });
  await rpc.close();
  return await heard.promise;
}

function includes(bytes: Uint8Array, words: string): boolean {
  return new TextDecoder("latin1").decode(bytes).includes(words);
}

for (const length of [10, 3_900, 8_100, 100_000]) {
  test(`a password of ${length} bytes arrives`, async () => {
    const password = "é".repeat(length / 2);
    const startOk = await loginOf(password, { username: "ann" });
    const response = text(`\0ann\0${password}`);
    // A locale follows, "en_US".
    const end = startOk.length - 6;
    const shown = startOk.subarray(end - response.length, end);
    assert.deepEqual(shown, response);
  });
}

test("a login says who we are, where there is room for it", async () => {
  const name = "billing";
  const short = await loginOf("x", { name });
  const long = await loginOf("x".repeat(3_700), { name });
  for (const startOk of [short, long]) {
    assert.ok(includes(startOk, name));
    assert.ok(includes(startOk, "authentication_failure_close"));
  }
  assert.ok(includes(short, "publisher_confirms"));
  // In a frame, that is 8 bytes more, and 4 for the names of the method.
  assert.ok(long.length + 12 <= 4_096, `${long.length}`);
});

/** The error of a login to a broker that leaves without a word. */
async function silentlyRefused(
  version: string,
  bytes: number,
): Promise<RpcError> {
  await using peer = startPeer(async (talk) => {
    await talk.read(8);
    await talk.send(start({ product: "RabbitMQ", version }));
    await talk.hear(10, 11);
    talk.close();
  });
  const password = "x".repeat(bytes);
  const connecting = connect(peer.url, { password });
  return await connecting.then(() => assert.fail("connected"), (e) => e);
}

const limits: [string, number][] = [
  ["3.10.8", 4_096],
  ["4.0.5", 4_096],
  ["4.1.0", 8_192],
  ["4.3.6", 8_192],
  ["5.0", 8_192],
];

for (const [version, limit] of limits) {
  test(`a login too large for RabbitMQ ${version} names the limit`, async () => {
    const { code, reason, message } = await silentlyRefused(version, limit);
    assert.deepEqual([code, reason], ["resource_exhausted", "login_too_large"]);
    const words = `RabbitMQ ${version} accepts only ${limit} before`;
    assert.ok(message.includes(words), message);
    assert.match(message, /takes \d+ bytes.* initial_frame_max/);
    const fits = await silentlyRefused(version, limit - 500);
    assert.equal(fits.reason, "broker_unreachable");
  });
}
