/**
 * The last things that are done with a channel.
 *
 * @module
 */
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import { waitAtMost } from "../rpc/delay.ts";
import { channelFailure } from "./failures.ts";
import type { AmqpSocket } from "./socket.ts";

/** How long the other side may take to agree to an end. */
export const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Closes a channel, as {@linkcode atLast} does. Where a request is under way
 * that the closed channel does not answer any more, the library takes the
 * answer to the close for the answer to that.
 */
export async function closeChannel(
  channel: AMQPChannel,
  underWay?: Promise<void>,
): Promise<void> {
  await atLast(channel, () => {
    const closing = channel.close();
    return Promise.race([closing, underWay ?? closing]);
  });
}

/**
 * Does something with a channel that is not needed any more. That it is closed
 * meanwhile is no error, and the answer is awaited for a limited time: the
 * library never ends a close whose connection is lost meanwhile or that
 * crosses a close by the broker. A broker that blocks a connection reads
 * nothing from it, and does what was asked when it goes on.
 */
export async function atLast(
  channel: AMQPChannel,
  action: () => Promise<unknown>,
): Promise<void> {
  if (channel.closed) return;
  const socket = channel.connection as AmqpSocket;
  const lost = Promise.withResolvers<void>();
  const limitMs = closeLimitMs(socket);
  const stopListening = socket.onLost(() => lost.resolve());
  const ended = Promise.race([unlessClosed(channel, action), lost.promise]);
  try {
    await waitAtMost(limitMs, ended);
  } finally {
    stopListening();
  }
}

/** How long to wait for an answer, where there can be one. */
export function closeLimitMs({ blocked }: AmqpSocket): number {
  return blocked === undefined ? CLOSE_TIMEOUT_MS : 0;
}

async function unlessClosed(
  channel: AMQPChannel,
  action: () => Promise<unknown>,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!channel.closed) throw channelFailure(error);
  }
}
