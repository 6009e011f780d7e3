/**
 * A queue: its messages, its limits and its consumers.
 *
 * npm:smqp has queues too, but they differ from RabbitMQ's where clients
 * notice: its topic "a.#" does not match "a", it has no headers exchange and
 * no dead-letter headers, and all consumers share one prefetch.
 */
import { type Consumer, Consumers } from "./consumers.ts";
import type { DeathReason } from "./dead_letter.ts";
import { withCounts } from "./delivery_count.ts";
import { AmqpError, describe } from "../../amqp091/errors.ts";
import type { Binding, Destination } from "./exchange.ts";
import type { Behavior } from "../generation.ts";
import { type Entry, newEntry } from "./lane.ts";
import { type Memory, MemoryShare } from "./memory.ts";
import type { Message } from "./message.ts";
import { type QueueSettings, queueSettings } from "./queue_settings.ts";
import { ReadyMessages } from "./ready_messages.ts";
import type { Table } from "../../amqp091/table.ts";
import { UnusedExpiry } from "./unused_expiry.ts";
import { Wakeup } from "./wakeup.ts";

/** What a queue needs of its virtual host. */
export interface QueueHost {
  readonly name: string;
  readonly behavior: Behavior;
  /** Counts the octets of all messages. */
  readonly memory: Memory;
  /** Called when something changes that no client asked for. */
  changed(): void;
  deadLetter(queue: Queue, message: Message, reason: DeathReason): void;
  deleteQueue(queue: Queue): void;
}

/** A connection, which may have queues of its own. */
export interface QueueOwner {
  /** The queues that are deleted when the connection ends. */
  readonly exclusiveQueues: Set<Queue>;
}

/** How a queue was declared. */
export interface QueueOptions {
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection that the queue is exclusive to. */
  readonly owner: QueueOwner | undefined;
  readonly args: Table;
}

/** A queue. */
export class Queue implements Destination {
  readonly kind = "queue";
  readonly settings: QueueSettings;
  readonly consumers: Consumers;
  readonly incoming: Set<Binding> = new Set();
  deleted = false;
  readonly #ready: ReadyMessages;
  #unacknowledged = 0;
  /** What its messages take, unacknowledged ones included. */
  readonly #memory: MemoryShare;
  #nextPlace = 0;
  readonly #expiry = new Wakeup(() => {
    this.#armExpiry();
    this.host.changed();
  });
  readonly #unusedExpiry: UnusedExpiry | undefined;

  constructor(
    readonly name: string,
    readonly host: QueueHost,
    readonly options: QueueOptions,
  ) {
    this.settings = queueSettings(options.args, host.behavior);
    this.consumers = new Consumers(this.settings.singleActiveConsumer);
    this.#memory = new MemoryShare(host.memory);
    this.#ready = new ReadyMessages(this.settings, this.#memory);
    const { expiresMs } = this.settings;
    this.#unusedExpiry = expiresMs === undefined
      ? undefined
      : new UnusedExpiry(expiresMs, () => this.consumers.size > 0, () => {
        host.deleteQueue(this);
        host.changed();
      });
  }

  /** The number of messages that wait to be delivered. */
  get ready(): number {
    return this.#ready.count;
  }

  /** The number of messages that were delivered and are not settled. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  /** "queue 'q' in vhost '/'", for reply texts. */
  toString(): string {
    return describe("queue", this.name, this.host.name);
  }

  /**
   * Adds a message.
   *
   * @returns false if the queue is full and refuses it.
   */
  publish(message: Message): boolean {
    const { overflow } = this.settings;
    if (overflow !== "drop-head" && this.#ready.isFull(message)) {
      if (overflow === "reject-publish-dlx") {
        this.host.deadLetter(this, message, "maxlen");
      }
      return false;
    }
    const { expirationMs = Infinity } = message;
    const ttlMs = Math.min(expirationMs, this.settings.messageTtlMs);
    const entry = newEntry(message, this.#nextPlace++, ttlMs);
    // A waiting consumer gets even a message with 0 ms to live.
    const consumer = this.ready === 0 ? this.consumers.turn() : undefined;
    if (consumer !== undefined) {
      consumer.deliver(entry);
      return true;
    }
    this.#ready.push(entry);
    this.pump();
    return true;
  }

  /** Delivers what can be delivered, then enforces the limits. */
  pump(): void {
    const { overflow } = this.settings;
    while (this.ready > 0) {
      this.#dropExpired();
      if (this.ready === 0) break;
      const consumer = this.consumers.turn();
      if (consumer === undefined) break;
      const entry = this.#ready.take();
      if (entry !== undefined) consumer.deliver(entry);
    }
    while (overflow === "drop-head" && this.#ready.isOverLimit()) {
      const entry = this.#ready.take();
      if (entry) this.host.deadLetter(this, entry.message, "maxlen");
    }
    this.#armExpiry();
  }

  /** Takes the first message for basic.get. */
  get(): Entry | undefined {
    this.touch();
    this.#dropExpired();
    return this.#ready.take();
  }

  /** Counts a message that was delivered and must be settled. */
  sent(entry: Entry): void {
    this.#unacknowledged++;
    this.#memory.take(entry.message);
  }

  /** Forgets a message that was delivered. */
  forget(entry: Entry): void {
    this.#unacknowledged--;
    if (!this.deleted) this.#memory.release(entry.message);
  }

  /**
   * Puts back a message that was delivered; call `pump` after the last one.
   *
   * @param failed whether it counts against the delivery limit
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
    if (this.settings.requeuesAtEnd) {
      entry.place = this.#nextPlace++;
      this.#ready.push(entry);
    } else this.#ready.putBack(entry);
  }

  /** The message as it is delivered now. */
  deliverable(entry: Entry): Message {
    if (!entry.redelivered || !this.settings.isQuorum) return entry.message;
    return withCounts(entry, this.host.behavior);
  }

  /** Dead-letters or drops a message that was delivered. */
  reject(entry: Entry): void {
    this.forget(entry);
    if (!this.deleted) this.host.deadLetter(this, entry.message, "rejected");
  }

  /** Drops all ready messages; returns how many. */
  purge(): number {
    const count = this.ready;
    while (this.#ready.take() !== undefined);
    return count;
  }

  /**
   * Adds a consumer; deliveries start with the next `pump`.
   *
   * @throws {AmqpError} 403 if this consumer or the present one is exclusive.
   */
  addConsumer(consumer: Consumer): void {
    const { first } = this.consumers;
    if (first && (consumer.exclusive || first.exclusive)) {
      throw new AmqpError("ACCESS_REFUSED", `${this} in exclusive use`);
    }
    this.consumers.add(consumer);
  }

  /** Removes a consumer, and the queue if it ends with its last consumer. */
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
    if (this.ready > 0) this.pump();
  }

  /** Notes that the queue is in use, which postpones its `x-expires`. */
  touch(): void {
    this.#unusedExpiry?.touch();
  }

  /** Ends its timers and its consumers; the virtual host forgets it. */
  close(): void {
    this.deleted = true;
    this.options.owner?.exclusiveQueues.delete(this);
    this.#expiry.cancel();
    this.#unusedExpiry?.cancel();
    this.#memory.releaseAll();
    for (const consumer of this.consumers) consumer.queueDeleted();
  }

  #dropExpired(): void {
    if (!this.#ready.mayExpire) return;
    const now = performance.now();
    let entry = this.#ready.takeExpired(now);
    for (; entry; entry = this.#ready.takeExpired(now)) {
      this.host.deadLetter(this, entry.message, "expired");
    }
  }

  #armExpiry(): void {
    if (!this.#ready.mayExpire || this.deleted) return;
    this.#dropExpired();
    this.#expiry.at(this.#ready.nextExpiry);
  }
}
