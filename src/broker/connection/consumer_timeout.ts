/**
 * How long a client may take to settle what it was sent, and what becomes of
 * one that takes longer.
 */
import type { Channel } from "./channel.ts";
import type { Consumer } from "../routing/consumer.ts";
import { AmqpError } from "../../amqp091/errors.ts";
import type { Queue } from "../routing/queue.ts";

/**
 * The time that a delivery may take, in ms; Infinity for any.
 *
 * @param consumer who gets it; nobody if it is fetched with basic.get
 */
export function consumerTimeoutMs(
  channel: Channel,
  queue: Queue,
  consumer: Consumer | undefined,
): number {
  const { consumerTimeouts } = channel.vhost.behavior;
  const { consumerTimeoutMs: ofBroker } = channel.link.settings;
  const { isQuorum, consumerTimeoutMs: ofQueue } = queue.settings;
  if (consumerTimeouts === "all") return ofBroker;
  if (consumerTimeouts === "by queue") return ofQueue ?? ofBroker;
  if (!isQuorum) return Infinity;
  return consumer?.options.timeoutMs ?? ofQueue ?? ofBroker;
}

/**
 * Looks at the deliveries of a channel.
 *
 * @throws {AmqpError} 406 if one has taken too long, and the client can't be
 *   told of the consumer alone.
 */
export function checkDeliveries(channel: Channel, now: number): void {
  const [first, ...others] = channel.unacked.overdue(now);
  if (first === undefined) return;
  const isQuorum = channel.vhost.behavior.consumerTimeouts === "quorum";
  if (!isQuorum || !channel.link.cancelNotify || !first.consumer) {
    const timeoutMs = isQuorum
      ? -1
      : consumerTimeoutMs(channel, first.queue, first.consumer);
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `delivery acknowledgement on channel ${channel.number} timed out. ` +
        `Timeout value used: ${timeoutMs} ms. This timeout value can be ` +
        "configured, see consumers doc guide to learn more",
    );
  }
  // Their client may still settle them, which changes nothing.
  const deliveries = [first, ...others];
  for (const delivery of deliveries) delivery.putBack(false);
  for (const consumer of new Set(deliveries.map((d) => d.consumer))) {
    if (consumer === undefined) continue;
    consumer.queue.removeConsumer(consumer);
    channel.consumerGone(consumer);
  }
  for (const queue of new Set(deliveries.map((d) => d.queue))) queue.pump();
}
