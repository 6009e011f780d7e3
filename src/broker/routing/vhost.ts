/** A virtual host: its exchanges and queues by name, and how messages flow. */
import { deadMessage, type DeathReason, isCycle } from "./dead_letter.ts";
import {
  isForeignReplyName,
  isGeneratedReplyName,
  isReplyName,
  ReplyConsumers,
} from "./direct_reply_to.ts";
import { AmqpError, describe } from "../../amqp091/errors.ts";
import { type Destination, Exchange, type ExchangeType } from "./exchange.ts";
import type { Behavior } from "../generation.ts";
import type { Memory } from "./memory.ts";
import { headers, type Message } from "./message.ts";
import { Queue, type QueueHost, type QueueOptions } from "./queue.ts";

/** The exchanges of every virtual host. */
const BUILT_IN: readonly (readonly [string, ExchangeType])[] = [
  ["", "direct"],
  ["amq.direct", "direct"],
  ["amq.fanout", "fanout"],
  ["amq.topic", "topic"],
  ["amq.headers", "headers"],
  ["amq.match", "headers"],
];

interface DeadLetter {
  readonly queue: Queue;
  readonly message: Message;
  readonly reason: DeathReason;
}

/** A virtual host. */
export class VHost implements QueueHost {
  readonly replyConsumers: ReplyConsumers = new ReplyConsumers();
  readonly #queues = new Map<string, Queue>();
  readonly #exchanges = new Map<string, Exchange>();
  readonly #deadLetters: DeadLetter[] = [];
  #isDeadLettering = false;

  /** @param changed called when something changes that no client asked for */
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

  /** @throws {AmqpError} 404 if there is no such queue. */
  queue(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue !== undefined) return queue;
    const what = describe("queue", name, this.name);
    throw new AmqpError("NOT_FOUND", `no ${what}`);
  }

  /** @throws {AmqpError} 404 if there is no such exchange. */
  exchange(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange !== undefined) return exchange;
    const what = describe("exchange", name, this.name);
    throw new AmqpError("NOT_FOUND", `no ${what}`);
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

  /** Deletes an auto-delete exchange that has lost its last binding. */
  unbound(exchange: Exchange): void {
    if (exchange.options.autoDelete && !exchange.used) {
      this.deleteExchange(exchange);
    }
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
        if (destination instanceof Exchange && !seen.has(destination)) {
          seen.add(destination);
          waiting.push(destination);
        }
      }
    }
    return [...found].filter((destination) => destination instanceof Queue);
  }

  /** Whether a mandatory message that no queue took is returned. */
  returns({ exchange, routingKey }: Message): boolean {
    return this.behavior.returnsReplies || exchange !== "" ||
      !isGeneratedReplyName(routingKey);
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
   * The queue of that name. A reply consumer gets the message at once and, as
   * in RabbitMQ, is not a queue: a mandatory message to it is returned as well.
   */
  #queueOrReply(name: string, message: Message): Queue | undefined {
    if (!isReplyName(name)) return this.#queues.get(name);
    const delivered = this.replyConsumers.deliver(name, message);
    const fails = this.behavior.failsOnForeignReplies;
    if (!delivered && fails && isForeignReplyName(name)) {
      throw new AmqpError("INTERNAL_ERROR", "");
    }
    return undefined;
  }

  /**
   * Publishes a dead message to its queue's dead-letter exchange. One death
   * may cause others; a list of them keeps the calls from nesting.
   */
  deadLetter(queue: Queue, message: Message, reason: DeathReason): void {
    if (queue.settings.deadLetterExchange === undefined) return;
    this.#deadLetters.push({ queue, message, reason });
    if (this.#isDeadLettering) return;
    this.#isDeadLettering = true;
    try {
      for (const letter of this.#deadLetters) this.#publishDead(letter);
    } finally {
      this.#deadLetters.length = 0;
      this.#isDeadLettering = false;
    }
  }

  #publishDead({ queue, message, reason }: DeadLetter): void {
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

  /** Ends the timers of all queues. */
  close(): void {
    for (const queue of this.#queues.values()) queue.close();
    this.#queues.clear();
  }
}
