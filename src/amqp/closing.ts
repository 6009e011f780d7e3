/**
 * Closing channels, within a time limit.
 *
 * @module
 */
import { waitAtMost } from "../async/delay.ts";
import type { Channel } from "./channel.ts";
import { channelFailure } from "./channel_failures.ts";
import type { Connection } from "./connection.ts";

/** Closes a channel, as {@linkcode atLast} does. */
export async function closeChannel(
  connection: Connection,
  channel: Channel,
): Promise<void> {
  await waitAtMost(connection.flow.closeLimitMs, channel.close());
}

/**
 * Makes a last request on a channel. It is no error if the channel is closed
 * meanwhile, and the answer is awaited for a limited time: a broker that blocks
 * a connection reads nothing from it until it unblocks it.
 */
export async function atLast(
  connection: Connection,
  channel: Channel,
  ask: () => Promise<unknown>,
): Promise<void> {
  if (channel.closed) return;
  await waitAtMost(connection.flow.closeLimitMs, unlessClosed(channel, ask));
}

async function unlessClosed(
  channel: Channel,
  ask: () => Promise<unknown>,
): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!channel.closed) throw channelFailure(error);
  }
}
