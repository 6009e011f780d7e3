// Tests of src/amqp/channel_turns.ts and channels.ts: where all channels are
// in use.

import assert from "node:assert/strict";
import { delay } from "../../src/async/delay.ts";
import type { Channel } from "../../src/amqp/channel.ts";
import { turns } from "../support/within.ts";
import { Feed } from "./support/channels.ts";

const LIMIT_MS = 5;
const itself = (channel: Channel) => Promise.resolve(channel);

/** All channels are in use: the one that there is. */
async function crowded(): Promise<{ feed: Feed; first: Channel }> {
  const feed = new Feed();
  feed.channels.limit = 1;
  return { feed, first: await feed.open() };
}

async function free(feed: Feed, first: Channel): Promise<void> {
  const closing = first.close();
  feed.answer("channel.close-ok");
  await closing;
  await turns();
  feed.answer("channel.open-ok");
}

Deno.test("who waits for too long for a channel is told so", async () => {
  const { feed } = await crowded();
  await assert.rejects(
    feed.channels.open(itself, { limitMs: LIMIT_MS }),
    { reason: "not_admitted" },
  );
});

Deno.test("while the broker blocks the connection, the wait goes on", async () => {
  const { feed, first } = await crowded();
  feed.flow.block("memory");
  const opening = feed.channels.open(itself, { limitMs: LIMIT_MS });
  // Timers fire in their order.
  await delay(2 * LIMIT_MS);
  feed.flow.release();
  await turns();
  await free(feed, first);
  assert.equal((await opening).id, 1);
});

Deno.test("who is patient lets all others go first", async () => {
  const { feed, first } = await crowded();
  const order: string[] = [];
  const limitMs = 60_000;
  const patient = feed.channels.open(itself, { limitMs, patient: true })
    .then((channel) => (order.push("patient"), channel));
  const urgent = feed.channels.open(itself, { limitMs })
    .then((channel) => (order.push("urgent"), channel));
  assert.ok(feed.channels.urgent);
  await free(feed, first);
  await free(feed, await urgent);
  await patient;
  assert.deepEqual(order, ["urgent", "patient"]);
});
