/**
 * Closing channels that somebody else may be closing too.
 *
 * @module
 */
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import { channelFailure } from "./failures.ts";

/** How long the other side may take to agree to a close. */
export const CLOSE_TIMEOUT_MS = 2_000;

/** Does something with a channel; that it is closed meanwhile is no error. */
export async function unlessClosed(
  channel: AMQPChannel,
  action: () => Promise<unknown>,
): Promise<void> {
  if (channel.closed) return;
  try {
    await action();
  } catch (error) {
    if (!channel.closed) throw channelFailure(error);
  }
}

/**
 * Closes a channel. The library never ends a close whose connection is lost
 * meanwhile, or that crosses a close by the broker: hence the limit. And where
 * a request is under way that the closed channel does not answer any more, it
 * takes the answer to the close for the answer to that.
 */
export async function closeChannel(
  channel: AMQPChannel,
  underWay?: Promise<void>,
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, CLOSE_TIMEOUT_MS);
  const closing = unlessClosed(channel, () => channel.close());
  try {
    await Promise.race([closing, underWay ?? closing, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
