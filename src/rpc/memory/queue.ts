/**
 * A queue in memory and those who consume it: competing consumers with a
 * prefetch, acknowledgements and redelivery.
 *
 * @module
 */
import { AsyncQueue } from "../../async/queue.ts";
import type { MessageProperties } from "../messages.ts";
import type { Delivery } from "../transport.ts";

/** A message in a queue. */
export interface Message {
  /** The body. */
  readonly body: Uint8Array;
  /** Its properties. */
  readonly properties: MessageProperties;
  /** Whether it was delivered before, to anyone. */
  readonly redelivered: boolean;
}

/** Ready messages, and consumers that take turns. */
export class MemoryQueue {
  /** Messages that wait, the oldest first. */
  readonly messages: Message[] = [];
  /** Consumers; the next message goes to the first that has room. */
  readonly consumers: MemoryConsumer[] = [];

  /** Hands out what waits, as far as consumers have room. */
  deliver(): void {
    while (this.messages.length > 0) {
      const next = this.consumers.findIndex((consumer) => consumer.hasRoom);
      if (next === -1) return;
      const [consumer] = this.consumers.splice(next, 1);
      this.consumers.push(consumer!);
      consumer!.deliver(this.messages.shift()!);
    }
  }

  /** Puts deliveries that came back where they were: at the head. */
  giveBack(messages: Iterable<Message>): void {
    const again = [...messages].map((it) => ({ ...it, redelivered: true }));
    this.messages.unshift(...again);
    this.deliver();
  }
}

/** One consumer, on a channel of its own. */
export class MemoryConsumer {
  /** The queue that it consumes. */
  readonly queue: MemoryQueue;
  readonly #deliveries = new AsyncQueue<Delivery>();
  readonly #unacknowledged = new Map<number, Message>();
  readonly #prefetch: number;
  readonly #noAck: boolean;
  #lastTag = 0;

  /** Without a prefetch, deliveries count as acknowledged. */
  constructor(queue: MemoryQueue, prefetch?: number) {
    this.queue = queue;
    this.#prefetch = prefetch ?? 1;
    this.#noAck = prefetch === undefined;
    queue.consumers.push(this);
    queue.deliver();
  }

  /** What it is given. */
  get deliveries(): AsyncIterableIterator<Delivery> {
    return this.#deliveries;
  }

  /** Ends the reader of its deliveries, by the error if one is given. */
  end(error?: Error): void {
    this.#deliveries.end(error);
  }

  /** Whether it takes another delivery. */
  get hasRoom(): boolean {
    return this.#unacknowledged.size < this.#prefetch;
  }

  /** Gives it a message; a copy, as peers never share bytes and tables. */
  deliver(message: Message): void {
    const deliveryTag = ++this.#lastTag;
    if (!this.#noAck) this.#unacknowledged.set(deliveryTag, message);
    this.#deliveries.push(structuredClone({ ...message, deliveryTag }));
  }

  /**
   * Acknowledges a delivery, and returns its message.
   *
   * @throws {Error} if there is no such delivery.
   */
  settle(deliveryTag: number): Message {
    const message = this.#unacknowledged.get(deliveryTag);
    if (message === undefined) {
      throw new Error(
        `PRECONDITION_FAILED unknown delivery tag ${deliveryTag}`,
      );
    }
    this.#unacknowledged.delete(deliveryTag);
    return message;
  }

  /** Ends its deliveries to come; those that were made stay its own. */
  cancel(): void {
    const { consumers } = this.queue;
    const index = consumers.indexOf(this);
    if (index !== -1) consumers.splice(index, 1);
  }

  /** Its channel is gone: what was not acknowledged goes back. */
  giveBackAll(): void {
    this.cancel();
    const messages = [...this.#unacknowledged.values()];
    this.#unacknowledged.clear();
    this.queue.giveBack(messages);
  }
}
