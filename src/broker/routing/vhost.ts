/** A virtual host: its exchanges and queues by name, and the way between. */
import { deadMessage, isCycle } from "./dead_letter.ts";
import { AmqpError, describe } from "../../amqp091/errors.ts";
import { type Destination, Exchange, type ExchangeType } from "./exchange.ts";
import type { Behavior } from "../generation.ts";
import type { Memory } from "./memory.ts";
import { headers, type Message } from "./message.ts";
import { generateName } from "../connection/names.ts";
import {
  type DeathReason,
  Queue,
  type QueueHost,
  type QueueOptions,
} from "./queue.ts";

/** Queues of this name are not there, yet can be consumed and published to. */
export const REPLY_TO = "amq.rabbitmq.reply-to";
const REPLY_TO_PREFIX = `${REPLY_TO}.`;

/** The exchanges of every virtual host. */
const BUILT_IN: readonly (readonly [string, ExchangeType])[] = [
  ["", "direct"],
  ["amq.direct", "direct"],
  ["amq.fanout", "fanout"],
  ["amq.topic", "topic"],
  ["amq.headers", "headers"],
  ["amq.match", "headers"],
];

/** Whoever consumes from "amq.rabbitmq.reply-to". */
export interface ReplyConsumer {
  deliverReply(message: Message): void;
}

/** A key for a reply consumer on this channel, that nobody can guess. */
export function replyKey(channel: number): string {
  return `${generateName("g1h2")}.${channel}`;
}

/** Whether the name is, or was, that of a reply consumer here. */
function isReplyName(name: string): boolean {
  return /^amq\.rabbitmq\.reply-to\.g1h2[\w-]{22}\.\d+$/.test(name);
}

interface DeadLetter {
  readonly queue: Queue;
  readonly message: Message;
  readonly reason: DeathReason;
}

/** A virtual host. */
export class VHost implements QueueHost {
  readonly #queues = new Map<string, Queue>();
  readonly #exchanges = new Map<string, Exchange>();
  readonly #replyConsumers = new Map<string, ReplyConsumer>();
  readonly #dead: DeadLetter[] = [];
  #buryingDead = false;

  constructor(
    readonly name: string,
    readonly behavior: Behavior,
    readonly memory: Memory,
    readonly changed: () => void,
  ) {
    for (const [exchange, type] of BUILT_IN) {
      this.addExchange(
        new Exchange(exchange, {
          type,
          durable: true,
          autoDelete: false,
          internal: false,
          args: [],
        }),
      );
    }
  }

  findQueue(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  findExchange(name: string): Exchange | undefined {
    return this.#exchanges.get(name);
  }

  /** @throws {AmqpError} 404 if there is no such queue */
  queue(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue === undefined) {
      throw new AmqpError(
        "NOT_FOUND",
        `no ${describe("queue", name, this.name)}`,
      );
    }
    return queue;
  }

  /** @throws {AmqpError} 404 if there is no such exchange */
  exchange(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) {
      const what = describe("exchange", name, this.name);
      throw new AmqpError("NOT_FOUND", `no ${what}`);
    }
    return exchange;
  }

  addExchange(exchange: Exchange): void {
    this.#exchanges.set(exchange.name, exchange);
  }

  /** Deletes an exchange with all its bindings. */
  deleteExchange(exchange: Exchange): void {
    this.#exchanges.delete(exchange.name);
    for (const binding of exchange.outgoing) exchange.unbind(binding);
    this.#unbindDestination(exchange);
  }

  addQueue(name: string, options: QueueOptions): Queue {
    const queue = new Queue(name, this, options);
    this.#queues.set(name, queue);
    return queue;
  }

  /** Deletes a queue with its messages, bindings and consumers. */
  deleteQueue(queue: Queue): void {
    if (queue.deleted) return;
    this.#queues.delete(queue.name);
    queue.close();
    this.#unbindDestination(queue);
  }

  /** Deletes an auto-delete exchange that nothing is bound to any more. */
  unbound(exchange: Exchange): void {
    if (exchange.options.autoDelete && !exchange.used) {
      this.deleteExchange(exchange);
    }
  }

  addReplyConsumer(key: string, consumer: ReplyConsumer): void {
    this.#replyConsumers.set(REPLY_TO_PREFIX + key, consumer);
  }

  removeReplyConsumer(key: string): void {
    this.#replyConsumers.delete(REPLY_TO_PREFIX + key);
  }

  /** Whether a reply queue of this name is consumed from. */
  hasReplyQueue(name: string): boolean {
    return name === REPLY_TO || this.#replyConsumers.has(name);
  }

  /** The queues that a message goes to. */
  route(exchange: Exchange, message: Message): Queue[] {
    if (exchange.name === "" && message.copies === undefined) {
      const queue = this.#queueOrReply(message.routingKey, message);
      return queue === undefined ? [] : [queue];
    }
    const found = new Set<Destination>();
    const waiting = [exchange];
    const seen = new Set(waiting);
    for (const each of waiting) {
      const here = new Set<Destination>();
      this.#routeOnce(each, message, here);
      if (here.size === 0 && each.alternate !== undefined) {
        const alternate = this.#exchanges.get(each.alternate);
        if (alternate !== undefined) here.add(alternate);
      }
      for (const destination of here) {
        found.add(destination);
        if (destination.kind === "exchange" && !seen.has(destination)) {
          seen.add(destination);
          waiting.push(destination);
        }
      }
    }
    return [...found].filter((destination) => destination.kind === "queue");
  }

  /** Whether a mandatory message that no queue took goes back. */
  returns({ exchange, routingKey }: Message): boolean {
    return this.behavior.returnsReplies || exchange !== "" ||
      !isReplyName(routingKey);
  }

  #routeOnce(
    exchange: Exchange,
    message: Message,
    found: Set<Destination>,
  ): void {
    for (const key of [message.routingKey, ...message.copies ?? []]) {
      if (exchange.name !== "") exchange.route(key, message, found);
      else {
        const queue = this.#queueOrReply(key, message);
        if (queue !== undefined) found.add(queue);
      }
    }
  }

  /**
   * The queue of that name. A reply queue is served on the spot and, as in
   * RabbitMQ, is no queue: a mandatory message to it comes back as well.
   */
  #queueOrReply(name: string, message: Message): Queue | undefined {
    if (!name.startsWith(REPLY_TO_PREFIX)) return this.#queues.get(name);
    const consumer = this.#replyConsumers.get(name);
    if (consumer !== undefined) consumer.deliverReply(message);
    else if (
      !isReplyName(name) && name.indexOf(".", REPLY_TO_PREFIX.length) > 0
    ) {
      this.#refuseReply();
    }
    return undefined;
  }

  /** What RabbitMQ takes for a name of its own, and fails to decode. */
  #refuseReply(): void {
    if (!this.behavior.failsOnForeignReplies) return;
    throw new AmqpError("INTERNAL_ERROR", "");
  }

  /**
   * Publishes a message that died to its queue's dead-letter exchange. One
   * death may cause others; they take turns rather than calling one another.
   */
  deadLetter(queue: Queue, message: Message, reason: DeathReason): void {
    if (queue.settings.deadLetterExchange === undefined) return;
    this.#dead.push({ queue, message, reason });
    if (this.#buryingDead) return;
    this.#buryingDead = true;
    try {
      for (const letter of this.#dead) this.#bury(letter);
    } finally {
      this.#dead.length = 0;
      this.#buryingDead = false;
    }
  }

  #bury({ queue, message, reason }: DeadLetter): void {
    const { deadLetterExchange = "", deadLetterRoutingKey } = queue.settings;
    const exchange = this.#exchanges.get(deadLetterExchange);
    if (exchange === undefined) return;
    const letter = deadMessage(message, {
      queue: queue.name,
      reason,
      exchange: exchange.name,
      routingKey: deadLetterRoutingKey,
    }, this.behavior);
    const deaths = reason === "rejected" ? [] : headers(letter);
    for (const target of this.route(exchange, letter)) {
      if (!isCycle(target.name, deaths)) target.publish(letter);
    }
  }

  #unbindDestination(destination: Destination): void {
    for (const binding of destination.incoming) {
      binding.source.unbind(binding);
      this.unbound(binding.source);
    }
  }

  /** Ends all queues' timers. */
  close(): void {
    for (const queue of this.#queues.values()) queue.close();
    this.#queues.clear();
  }
}
