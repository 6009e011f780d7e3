/**
 * How a server consumes its queue, and the events of that.
 *
 * @module
 */
import { MESSAGE_TYPES } from "../stream_wire.ts";
import type { RequestQueueOptions } from "../transport.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { longestUnackedMs, type ServeSettings } from "./serve_options.ts";

/** The broker must not drop a request before it could be answered. */
const DELIVERY_LIMIT_FACTOR = 4;

/** What is sent beside replies, and nobody need know of. */
function isNoReply(type: string | undefined): boolean {
  return type === MESSAGE_TYPES.alive || type === MESSAGE_TYPES.progress;
}

/** The same for all connections of one server, which reports things once. */
export function consumption(
  settings: ServeSettings,
  dispatcher: Dispatcher,
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
    onCancel: (correlationId) => dispatcher.cancel(correlationId),
    onControl: (message) => dispatcher.streams.control(message),
    onReturn: ({ properties: { correlationId, type }, routingKey }) => {
      dispatcher.streams.callerGone(routingKey);
      if (isNoReply(type)) return;
      const why = "the caller is gone";
      onEvent({ type: "reply_dropped", correlationId, why });
    },
  };
}
