/**
 * A queue: its messages, its limits and its consumers.
 *
 * Written here rather than taken from npm:smqp, whose queues differ from
 * RabbitMQ's where it shows: its topic "a.#" does not match "a", it has no
 * headers exchange, no dead-letter headers, and one prefetch for all.
 */
import { type Consumer, Consumers } from "./consumer.ts";
import { withCounts } from "./delivery_count.ts";
import { AmqpError, describe } from "../../amqp091/errors.ts";
import type { Binding } from "./exchange.ts";
import type { Behavior } from "../generation.ts";
import { type Entry, Lane } from "./lane.ts";
import { costOf, type Memory } from "./memory.ts";
import { bodySize, type Message } from "./message.ts";
import { type QueueSettings, queueSettings } from "./queue_arguments.ts";
import type { Table } from "../../amqp091/table.ts";

/** Why a message is dead-lettered, as it stands in x-death. */
export type DeathReason = "rejected" | "expired" | "maxlen" | "delivery_limit";

/** What a queue asks of the virtual host it is in. */
export interface QueueHost {
  readonly name: string;
  readonly behavior: Behavior;
  /** What all messages take. */
  readonly memory: Memory;
  /** Says that something has changed without a client's doing. */
  changed(): void;
  deadLetter(queue: Queue, message: Message, reason: DeathReason): void;
  deleteQueue(queue: Queue): void;
}

/** A connection, to which queues may be exclusive. */
export interface QueueOwner {
  /** Queues that end with the connection. */
  readonly exclusiveQueues: Set<Queue>;
}

/** How a queue was declared. */
export interface QueueOptions {
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection that alone may use it. */
  readonly owner: QueueOwner | undefined;
  readonly args: Table;
}

type Timer = ReturnType<typeof setTimeout>;

/** The longest delay that setTimeout takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A queue. */
export class Queue {
  readonly kind = "queue";
  readonly settings: QueueSettings;
  readonly consumers: Consumers;
  /** Its bindings. */
  readonly incoming: Set<Binding> = new Set();
  deleted = false;
  readonly #lanes: Lane[];
  #ready = 0;
  #readyBytes = 0;
  #unacknowledged = 0;
  /** What its messages take of the memory, those not settled included. */
  #held = 0;
  /** Waiting messages that may expire; spares looking at the clock. */
  #expiring = 0;
  #nextPlace = 0;
  #expiryTimer: Timer | undefined;
  #expiryDueAt = Infinity;
  #unusedTimer: Timer | undefined;
  #lastUsedAt = 0;

  constructor(
    readonly name: string,
    readonly host: QueueHost,
    readonly options: QueueOptions,
  ) {
    this.settings = queueSettings(options.args, host.behavior);
    this.consumers = new Consumers(this.settings.singleActiveConsumer);
    this.#lanes = Array.from(
      { length: this.settings.maxPriority + 1 },
      () => new Lane(),
    );
    this.touch();
  }

  /** Messages waiting to be delivered. */
  get ready(): number {
    return this.#ready;
  }

  /** Messages delivered and not settled. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** "queue 'q' in vhost '/'", for reply texts. */
  toString(): string {
    return describe("queue", this.name, this.host.name);
  }

  /**
   * Takes a message in.
   *
   * @returns whether it was taken; a full queue may refuse it.
   */
  publish(message: Message): boolean {
    const { overflow } = this.settings;
    if (overflow !== "drop-head" && this.#full(bodySize(message))) {
      if (overflow === "reject-publish-dlx") {
        this.host.deadLetter(this, message, "maxlen");
      }
      return false;
    }
    const ttlMs = Math.min(
      message.expirationMs ?? Infinity,
      this.settings.messageTtlMs,
    );
    const entry = {
      place: this.#nextPlace++,
      message,
      redelivered: false,
      acquired: 0,
      failed: 0,
      expiresAt: ttlMs === Infinity ? Infinity : performance.now() + ttlMs,
    };
    // Who waits for it gets it, even if it may not wait itself (0 ms to live).
    const consumer = this.#ready === 0 ? this.consumers.turn() : undefined;
    if (consumer !== undefined) {
      consumer.channel.deliver(consumer, entry);
      return true;
    }
    this.#lane(entry).push(entry);
    this.#count(entry, 1);
    this.pump();
    return true;
  }

  /** Delivers what can be delivered, then enforces the limits. */
  pump(): void {
    while (this.#ready > 0) {
      this.#dropExpired();
      if (this.#ready === 0) break;
      const consumer = this.consumers.turn();
      if (consumer === undefined) break;
      const entry = this.#takeNext();
      if (entry !== undefined) consumer.channel.deliver(consumer, entry);
    }
    while (this.#ready > 0 && this.#over()) {
      const entry = this.#takeNext();
      if (entry) this.host.deadLetter(this, entry.message, "maxlen");
    }
    this.#armExpiry();
  }

  /** Takes the first message for basic.get. */
  get(): Entry | undefined {
    this.touch();
    this.#dropExpired();
    return this.#takeNext();
  }

  /** Counts a message that was taken and sent, to be settled. */
  sent(entry: Entry): void {
    this.#unacknowledged++;
    this.#hold(costOf(entry.message));
  }

  /** Forgets a message that was sent. */
  forget(entry: Entry): void {
    this.#unacknowledged--;
    if (!this.deleted) this.#hold(-costOf(entry.message));
  }

  /**
   * Puts back a message that was sent; call `pump` when all are back.
   *
   * @param failed whether it counts against the limit of deliveries
   */
  putBack(entry: Entry, failed: boolean): void {
    this.forget(entry);
    if (this.deleted) return;
    entry.redelivered = true;
    entry.acquired++;
    if (failed && ++entry.failed > this.settings.deliveryLimit) {
      this.host.deadLetter(this, entry.message, "delivery_limit");
      return;
    }
    const lane = this.#lane(entry);
    if (this.settings.requeuesAtEnd) {
      entry.place = this.#nextPlace++;
      lane.push(entry);
    } else lane.putBack(entry);
    this.#count(entry, 1);
  }

  /** The message as it is delivered now. */
  deliverable(entry: Entry): Message {
    if (!entry.redelivered || !this.settings.isQuorum) return entry.message;
    return withCounts(entry, this.host.behavior);
  }

  /** Dead-letters or drops a message that was sent. */
  reject(entry: Entry): void {
    this.forget(entry);
    if (!this.deleted) this.host.deadLetter(this, entry.message, "rejected");
  }

  /** Drops all waiting messages; returns how many. */
  purge(): number {
    const count = this.#ready;
    while (this.#takeNext() !== undefined);
    return count;
  }

  /**
   * Adds a consumer; deliveries start with the next `pump`.
   *
   * @throws {AmqpError} 403 if it or one that is there wants to be alone.
   */
  addConsumer(consumer: Consumer): void {
    const [first] = this.consumers;
    if (first && (consumer.options.exclusive || first.options.exclusive)) {
      throw new AmqpError("ACCESS_REFUSED", `${this} in exclusive use`);
    }
    this.consumers.add(consumer);
  }

  /** Removes a consumer, and the queue if it was the last that held it. */
  removeConsumer(consumer: Consumer): void {
    if (this.deleted) return;
    this.consumers.remove(consumer);
    this.touch();
    if (this.options.autoDelete && this.consumers.size === 0) {
      this.host.deleteQueue(this);
    } else if (this.consumers.single) this.pump();
  }

  /** Serves a consumer again that could take no more for a while. */
  wake(consumer: Consumer): void {
    if (this.deleted) return;
    this.consumers.wake(consumer);
    if (this.#ready > 0) this.pump();
  }

  /** Says that the queue is in use, which puts off its `x-expires`. */
  touch(): void {
    if (this.settings.expiresMs === undefined) return;
    this.#lastUsedAt = performance.now();
    this.#unusedTimer ??= this.#armUnused(this.settings.expiresMs);
  }

  /** Ends its timers and its consumers; the virtual host forgets it. */
  close(): void {
    this.deleted = true;
    this.options.owner?.exclusiveQueues.delete(this);
    clearTimeout(this.#expiryTimer);
    clearTimeout(this.#unusedTimer);
    this.#hold(-this.#held);
    for (const consumer of this.consumers) {
      consumer.channel.consumerGone(consumer);
    }
  }

  #lane({ message: { priority } }: Entry): Lane {
    return this.#lanes[Math.min(priority, this.#lanes.length - 1)];
  }

  #count({ message, expiresAt }: Entry, by: 1 | -1): void {
    this.#ready += by;
    this.#readyBytes += by * bodySize(message);
    if (expiresAt !== Infinity) this.#expiring += by;
    this.#hold(by * costOf(message));
  }

  #hold(octets: number): void {
    this.#held += octets;
    this.host.memory.add(octets);
  }

  /** Takes the first message of the highest priority there is. */
  #takeNext(): Entry | undefined {
    for (let i = this.#lanes.length - 1; i >= 0; i--) {
      const entry = this.#lanes[i].take();
      if (entry === undefined) continue;
      this.#count(entry, -1);
      return entry;
    }
    return undefined;
  }

  #full(size: number): boolean {
    return this.#ready + 1 > this.settings.maxLength ||
      this.#readyBytes + size > this.settings.maxLengthBytes;
  }

  #over(): boolean {
    return this.settings.overflow === "drop-head" &&
      (this.#ready > this.settings.maxLength ||
        this.#readyBytes > this.settings.maxLengthBytes);
  }

  /** Like RabbitMQ, only from the front: later ones wait for their turn. */
  #dropExpired(): void {
    if (this.#expiring === 0) return;
    const now = performance.now();
    for (const lane of this.#lanes) {
      for (let e = lane.peek(); e && e.expiresAt <= now; e = lane.peek()) {
        lane.take();
        this.#count(e, -1);
        this.host.deadLetter(this, e.message, "expired");
      }
    }
  }

  #armExpiry(): void {
    if (this.#expiring === 0 || this.deleted) return;
    this.#dropExpired();
    let dueAt = Infinity;
    for (const lane of this.#lanes) {
      dueAt = Math.min(dueAt, lane.peek()?.expiresAt ?? Infinity);
    }
    // An earlier timer finds nothing to do and sets the next one.
    if (dueAt >= this.#expiryDueAt) return;
    clearTimeout(this.#expiryTimer);
    this.#expiryDueAt = dueAt;
    this.#expiryTimer = setTimeout(() => {
      this.#expiryDueAt = Infinity;
      this.#armExpiry();
      this.host.changed();
    }, Math.min(Math.max(dueAt - performance.now(), 0), MAX_DELAY_MS));
  }

  #armUnused(delayMs: number): Timer {
    return setTimeout(() => {
      const { expiresMs = 0 } = this.settings;
      const idleMs = performance.now() - this.#lastUsedAt;
      if (this.consumers.size === 0 && idleMs >= expiresMs) {
        this.host.deleteQueue(this);
        this.host.changed();
        return;
      }
      const leftMs = this.consumers.size > 0 ? expiresMs : expiresMs - idleMs;
      this.#unusedTimer = this.#armUnused(leftMs);
    }, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
  }
}
