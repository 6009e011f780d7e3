/** How long a client may take to settle a delivery. */
import type { ChannelConsumer } from "./consumer.ts";
import type { Behavior } from "../generation.ts";
import type { Queue } from "../routing/queue.ts";

/**
 * The time that a delivery may take, in ms; Infinity for any time.
 *
 * @param consumer undefined if the message was fetched with basic.get
 * @param brokerMs the time that the broker's options set
 */
export function consumerTimeoutMs(
  queue: Queue,
  consumer: ChannelConsumer | undefined,
  brokerMs: number,
  { consumerTimeouts }: Behavior,
): number {
  const { isQuorum, consumerTimeoutMs: queueMs } = queue.settings;
  if (consumerTimeouts === "all") return brokerMs;
  if (consumerTimeouts === "by queue") return queueMs ?? brokerMs;
  if (!isQuorum) return Infinity;
  return consumer?.timeoutMs ?? queueMs ?? brokerMs;
}
