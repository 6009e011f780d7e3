// Tests of src/amqp/heartbeat.ts.

import assert from "node:assert/strict";
import { Heartbeat } from "../../src/amqp/heartbeat.ts";
import { FakeTime } from "../support/fake_time.ts";

const INTERVAL_MS = 4_000;

function start(time: FakeTime, intervalMs = INTERVAL_MS) {
  const startMs = Date.now();
  const sent: number[] = [];
  const silences: number[] = [];
  const heartbeat = new Heartbeat(intervalMs, {
    send: () => {
      sent.push(Date.now() - startMs);
      // As the socket does for whatever it writes.
      heartbeat.wrote();
    },
    onSilence: () => silences.push(Date.now() - startMs),
  });
  /** Lets time pass while the peer is heard. */
  const passHearing = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      heartbeat.read();
      time.advance(500);
    }
  };
  return { heartbeat, sent, silences, passHearing };
}

Deno.test("a quiet connection sends twice an interval", () => {
  using time = new FakeTime(0);
  const { sent, silences, passHearing } = start(time);
  passHearing(3 * INTERVAL_MS);
  assert.deepEqual(sent, [2_000, 4_000, 6_000, 8_000, 10_000, 12_000]);
  assert.deepEqual(silences, []);
});

Deno.test("no heartbeat is sent while other things are", () => {
  using time = new FakeTime(0);
  const { heartbeat, sent } = start(time);
  for (let passed = 0; passed < 10 * INTERVAL_MS; passed += 500) {
    heartbeat.wrote();
    heartbeat.read();
    time.advance(500);
  }
  assert.deepEqual(sent, []);
});

Deno.test("the broker is never left without a sign for a whole interval", () => {
  using time = new FakeTime(0);
  const { heartbeat, sent, passHearing } = start(time);
  // The worst moment for a last write: just after a tick.
  passHearing(1_000);
  heartbeat.wrote();
  passHearing(2 * INTERVAL_MS);
  assert.ok(sent[0] - 1_000 < INTERVAL_MS);
});

Deno.test("a silent peer is noticed, once, within twice the interval", () => {
  using time = new FakeTime(0);
  const { heartbeat, sent, silences } = start(time);
  time.advance(500);
  heartbeat.read();
  time.advance(10 * INTERVAL_MS);
  assert.equal(silences.length, 1);
  const silentMs = silences[0] - 500;
  assert.ok(silentMs > INTERVAL_MS && silentMs <= 2 * INTERVAL_MS);
  assert.ok(sent.every((atMs) => atMs < silences[0]), "nothing after the end");
  assert.equal(time.timers, 0);
});

Deno.test("what we write is no sign of life of the peer", () => {
  using time = new FakeTime(0);
  const { heartbeat, silences } = start(time);
  for (let passed = 0; passed < 2 * INTERVAL_MS; passed += 500) {
    heartbeat.wrote();
    time.advance(500);
  }
  assert.equal(silences.length, 1);
});

Deno.test("a late tick counts once, however late it is", () => {
  using time = new FakeTime(0);
  const { silences, heartbeat } = start(time);
  heartbeat.read();
  // The event loop was held up for minutes. Timers run before what the kernel
  // has received meanwhile is read.
  time.jump(100 * INTERVAL_MS);
  time.advance(0);
  heartbeat.read();
  time.advance(INTERVAL_MS);
  assert.deepEqual(silences, []);
});

Deno.test("an interval of 0 means no heartbeats", () => {
  using time = new FakeTime(0);
  const { sent, silences, heartbeat } = start(time, 0);
  assert.equal(time.timers, 0);
  time.advance(1e9);
  assert.deepEqual([sent, silences], [[], []]);
  heartbeat.stop();
});

Deno.test("stop() ends it", () => {
  using time = new FakeTime(0);
  const { sent, silences, heartbeat } = start(time);
  heartbeat.stop();
  assert.equal(time.timers, 0);
  time.advance(10 * INTERVAL_MS);
  assert.deepEqual([sent, silences], [[], []]);
});
