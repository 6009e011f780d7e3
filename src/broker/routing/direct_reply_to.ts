/**
 * Direct reply-to: "amq.rabbitmq.reply-to" can be consumed like a queue, and a
 * name that starts like it can be published to, but no such queue exists.
 */
import { generateName } from "./generated_names.ts";
import type { Message } from "./message.ts";

/** The name that clients consume from, and give as `reply_to`. */
export const REPLY_TO = "amq.rabbitmq.reply-to";
const PREFIX = `${REPLY_TO}.`;
const GENERATED = /^amq\.rabbitmq\.reply-to\.g1h2[\w-]{22}\.\d+$/;

/** A channel that consumes from "amq.rabbitmq.reply-to". */
export interface ReplyConsumer {
  deliverReply(message: Message): void;
}

/** Whether a message with this routing key is for a reply consumer. */
export function isReplyName(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Whether the broker made up this name, for a consumer alive or gone. */
export function isGeneratedReplyName(name: string): boolean {
  return GENERATED.test(name);
}

/**
 * Whether RabbitMQ 3.10 and 4.0 take the name for one of their own, and fail
 * to decode it.
 */
export function isForeignReplyName(name: string): boolean {
  return name.indexOf(".", PREFIX.length) > 0 && !isGeneratedReplyName(name);
}

/** The reply consumers of a virtual host. */
export class ReplyConsumers {
  readonly #byName = new Map<string, ReplyConsumer>();

  /** @returns the name to publish to, which nobody can guess. */
  add(consumer: ReplyConsumer, channel: number): string {
    const name = `${generateName(`${PREFIX}g1h2`)}.${channel}`;
    this.#byName.set(name, consumer);
    return name;
  }

  remove(name: string): void {
    this.#byName.delete(name);
  }

  /** Whether a passive declaration finds a queue of this name. */
  has(name: string): boolean {
    return name === REPLY_TO || this.#byName.has(name);
  }

  /** @returns whether there is a consumer of that name. */
  deliver(name: string, message: Message): boolean {
    const consumer = this.#byName.get(name);
    consumer?.deliverReply(message);
    return consumer !== undefined;
  }
}
