/**
 * How a server consumes its queue, and the events of that.
 *
 * @module
 */
import type { RequestQueueOptions } from "../transport.ts";
import { longestUnackedMs, type ServeSettings } from "./serve_options.ts";

/** The broker must not drop a request before it could be answered. */
const DELIVERY_LIMIT_FACTOR = 4;

/** The same for all connections of one server, which reports things once. */
export function consumption(
  settings: ServeSettings,
  onCancel: (correlationId: string) => void,
): RequestQueueOptions {
  const { prefetch, declare, maxDeliveries, onEvent } = settings;
  const unackedMs = longestUnackedMs(settings);
  let toldOfTimeout = false;
  return {
    prefetch,
    declare,
    deliveryLimit: DELIVERY_LIMIT_FACTOR * Math.max(maxDeliveries, 1),
    unackedMs,
    onConsumerTimeout: (advice) => {
      if (toldOfTimeout) return;
      toldOfTimeout = true;
      onEvent({ type: "consumer_timeout", unackedMs, advice });
    },
    onCancel,
    onReturn: ({ properties: { correlationId } }) =>
      onEvent({
        type: "reply_dropped",
        correlationId,
        why: "the caller is gone",
      }),
  };
}
