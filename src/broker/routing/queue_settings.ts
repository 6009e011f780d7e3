/** What the arguments of a queue mean. */
import type { Behavior } from "../generation.ts";
import { CONSUMER_TIMEOUT } from "./queue_arguments.ts";
import {
  asBoolean,
  asInteger,
  asString,
  lookup,
  type Table,
} from "../../amqp091/table.ts";

/** The settings of a queue. */
export interface QueueSettings {
  /** How long a message may wait, in ms. */
  readonly messageTtlMs: number;
  /** How long the queue may be unused before it is deleted, in ms. */
  readonly expiresMs: number | undefined;
  readonly maxLength: number;
  readonly maxLengthBytes: number;
  readonly maxPriority: number;
  readonly overflow: string;
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterRoutingKey: string | undefined;
  readonly singleActiveConsumer: boolean;
  readonly isQuorum: boolean;
  /** How many deliveries of a message may fail before it is dead-lettered. */
  readonly deliveryLimit: number;
  /** Whether messages that are put back go to the end of the queue. */
  readonly requeuesAtEnd: boolean;
  /** How long a delivery may take, in ms; undefined if the queue sets none. */
  readonly consumerTimeoutMs: number | undefined;
}

/** The settings that these arguments, already checked, stand for. */
export function queueSettings(
  args: Table,
  behavior: Behavior,
): QueueSettings {
  const number = (key: string) => {
    const value = asInteger(lookup(args, key));
    return value === undefined ? undefined : Number(value);
  };
  const string = (key: string) => asString(lookup(args, key));
  const isQuorum = string("x-queue-type") === "quorum";
  const limit = number("x-delivery-limit") ?? behavior.deliveryLimit;
  // A negative limit means no limit.
  const deliveryLimit = isQuorum && limit >= 0 ? limit : Infinity;
  return {
    messageTtlMs: number("x-message-ttl") ?? Infinity,
    expiresMs: number("x-expires"),
    maxLength: number("x-max-length") ?? Infinity,
    maxLengthBytes: number("x-max-length-bytes") ?? Infinity,
    maxPriority: number("x-max-priority") ?? 0,
    overflow: string("x-overflow") ?? "drop-head",
    deadLetterExchange: string("x-dead-letter-exchange"),
    deadLetterRoutingKey: string("x-dead-letter-routing-key"),
    singleActiveConsumer: asBoolean(lookup(args, "x-single-active-consumer")) ??
      false,
    isQuorum,
    deliveryLimit,
    requeuesAtEnd: isQuorum && deliveryLimit === Infinity &&
      behavior.requeuesAtEnd,
    consumerTimeoutMs: number(CONSUMER_TIMEOUT),
  };
}
