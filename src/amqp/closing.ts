/**
 * Closing channels, within a time limit.
 *
 * @module
 */
import { waitAtMost } from "../async/delay.ts";
import type { Channel } from "./channel.ts";
import { channelFailure } from "./channel_failures.ts";
import type { Connection } from "./connection.ts";

/** How long the broker may take to answer a close, in ms. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** Closes a channel, as {@linkcode atLast} does. */
export async function closeChannel(
  connection: Connection,
  channel: Channel,
): Promise<void> {
  await waitAtMost(closeLimitMs(connection), channel.close());
}

/**
 * Asks something of a channel that is not needed any more. That it is closed
 * meanwhile is no error, and the answer is awaited for a limited time. A broker
 * that blocks a connection reads nothing from it, and does what was asked when
 * it goes on.
 */
export async function atLast(
  connection: Connection,
  channel: Channel,
  ask: () => Promise<unknown>,
): Promise<void> {
  if (channel.closed) return;
  await waitAtMost(closeLimitMs(connection), unlessClosed(channel, ask));
}

/** How long to wait for an answer, where there can be one. */
export function closeLimitMs({ flow }: Connection): number {
  return flow.blockedFor === undefined ? CLOSE_TIMEOUT_MS : 0;
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
