/**
 * For how long a delivery may stay unacknowledged before RabbitMQ takes it
 * back: 30 minutes by default. What can change that depends on the version:
 *
 * - up to 3.11, its configuration alone,
 * - from 3.12 on, policies and arguments of the queue as well,
 * - from 4.3 on, the consumer, too, which overrides the others; nothing is
 *   taken back from consumers of classic queues.
 *
 * @module
 */
import { REPLY_CODES } from "../amqp091/errors.ts";
import { LONGEST_TIMER_MS } from "../async/timers.ts";
import { failure, type RpcError } from "../rpc/errors.ts";
import { formatMs } from "../rpc/texts.ts";
import {
  brokerTitle,
  type BrokerVersion,
  isRabbitMqSince,
} from "./broker_version.ts";
import { replyCodeOf } from "./closed_by_broker.ts";

const DEFAULT_MS = 30 * 60_000;
const ARGUMENT = "x-consumer-timeout";

/** What to do about the consumer timeout; nothing if the default is enough. */
export interface ConsumerTimeout {
  /** Of the consumer. */
  readonly args?: Record<string, number>;
  /** What to set on the broker, in a sentence. */
  readonly advice?: string;
}

/** How to make the broker wait for so long. */
export function consumerTimeout(
  broker: BrokerVersion,
  unackedMs: number,
): ConsumerTimeout {
  if (unackedMs <= DEFAULT_MS || broker.product !== "RabbitMQ") return {};
  // Half of the longest timer that Erlang has.
  const ms = Math.min(Math.ceil(unackedMs), LONGEST_TIMER_MS);
  if (isRabbitMqSince(broker, 4, 3)) return { args: { [ARGUMENT]: ms } };
  const others = isRabbitMqSince(broker, 3, 12)
    ? `, or as consumer-timeout in a policy, or as ${ARGUMENT} among the ` +
      "queue's arguments"
    : "";
  return {
    advice: `a request may stay unacknowledged for ${formatMs(ms)}, and ` +
      `${brokerTitle(broker)} takes requests back after ` +
      `${formatMs(DEFAULT_MS)} by default: have consumer_timeout = ${ms} set ` +
      `in rabbitmq.conf${others}`,
  };
}

/** Whether the queue is one of those that have no consumer timeout. */
export function hasNoTimeout(error: unknown): boolean {
  return replyCodeOf(error) === REPLY_CODES.PRECONDITION_FAILED &&
    String(error).includes(ARGUMENT);
}

/** The broker canceled the consumer, and left the channel open. */
export class CanceledByBroker extends Error {
  /** It does not say why. */
  constructor() {
    super("the broker canceled the consumer");
  }
}

/** The broker says that it canceled a consumer, but not why. */
export function canceled(broker: BrokerVersion, queue: string): RpcError {
  const why = isRabbitMqSince(broker, 4, 3)
    ? "a request was not acknowledged within its consumer timeout"
    : "is not available";
  return failure(
    "connection_lost",
    `the broker canceled the consumer: queue "${queue}" was deleted, or ${why}`,
  );
}
