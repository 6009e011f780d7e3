/** What happens when a client does not settle a delivery in time. */
import type { Channel } from "./channel.ts";
import { consumerTimeoutMs } from "./consumer_timeout.ts";
import { AmqpError } from "../../amqp091/errors.ts";

/**
 * Puts back the overdue deliveries of a channel, and cancels their consumers.
 *
 * @throws {AmqpError} 406, which closes the channel, if the generation or the
 *   client does not support cancelling the consumer alone.
 */
export function endOverdue(channel: Channel, now: number): void {
  const [first, ...others] = channel.unacked.overdue(now);
  if (first === undefined) return;
  const { behavior } = channel.vhost;
  const { settings, cancelNotify } = channel.connection;
  const isQuorum = behavior.consumerTimeouts === "quorum";
  if (!isQuorum || !cancelNotify || !first.consumer) {
    const { queue, consumer } = first;
    const brokerMs = settings.consumerTimeoutMs;
    const timeoutMs = isQuorum
      ? -1
      : consumerTimeoutMs(queue, consumer, brokerMs, behavior);
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `delivery acknowledgement on channel ${channel.number} timed out. ` +
        `Timeout value used: ${timeoutMs} ms. This timeout value can be ` +
        "configured, see consumers doc guide to learn more",
    );
  }
  const deliveries = [first, ...others];
  // The client may still settle them; that has no effect any more.
  for (const delivery of deliveries) delivery.putBack(false);
  for (const consumer of new Set(deliveries.map((d) => d.consumer))) {
    if (consumer === undefined) continue;
    consumer.queue.removeConsumer(consumer);
    channel.cancelConsumer(consumer);
  }
  for (const queue of new Set(deliveries.map((d) => d.queue))) queue.pump();
}
