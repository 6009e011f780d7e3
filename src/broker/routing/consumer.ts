/** The consumers of a queue, and whose turn it is. */
import type { Entry } from "./lane.ts";
import type { Queue } from "./queue.ts";

/** What a consumer's channel does for it. */
export interface ConsumerChannel {
  /** Whether the channel may be sent one more delivery now. */
  canTake(noAck: boolean): boolean;
  /** Sends the delivery. */
  deliver(consumer: Consumer, entry: Entry): void;
  /** Forgets the consumer because its queue is gone, and tells the client. */
  consumerGone(consumer: Consumer): void;
}

/** How a consumer subscribed. */
export interface ConsumerOptions {
  readonly tag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  /** Unacknowledged deliveries at a time; 0 for any number. */
  readonly prefetch: number;
  /** Larger goes first. */
  readonly priority: number;
  /** How long a delivery may take, in ms, if the consumer says so. */
  readonly timeoutMs: number | undefined;
}

/** One subscription to a queue. */
export class Consumer {
  readonly tag: string;
  readonly noAck: boolean;
  /** Deliveries that it has not settled. */
  unacked = 0;
  /** Its neighbours among those waiting for a turn. */
  previous: Consumer | undefined;
  next: Consumer | undefined;
  waiting = false;

  constructor(
    readonly queue: Queue,
    readonly channel: ConsumerChannel,
    readonly options: ConsumerOptions,
  ) {
    this.tag = options.tag;
    this.noAck = options.noAck;
  }

  /** Whether it may be sent one more delivery now. */
  canTake(): boolean {
    const { prefetch } = this.options;
    return (this.noAck || prefetch === 0 || this.unacked < prefetch) &&
      this.channel.canTake(this.noAck);
  }
}

/** Consumers of one priority, taking turns. */
class Ring {
  #first: Consumer | undefined;
  #last: Consumer | undefined;

  constructor(readonly priority: number) {}

  append(consumer: Consumer): void {
    if (consumer.waiting) return;
    consumer.waiting = true;
    consumer.previous = this.#last;
    consumer.next = undefined;
    if (this.#last === undefined) this.#first = consumer;
    else this.#last.next = consumer;
    this.#last = consumer;
  }

  remove(consumer: Consumer): void {
    if (!consumer.waiting) return;
    consumer.waiting = false;
    const { previous, next } = consumer;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    consumer.previous = consumer.next = undefined;
  }

  /**
   * The next consumer that can take a delivery; it goes to the end of the
   * line. Those that can't leave it until they are woken, so that no
   * delivery looks at them again.
   */
  turn(): Consumer | undefined {
    for (let c = this.#first; c !== undefined; c = this.#first) {
      if (c.canTake()) {
        if (c !== this.#last) {
          this.remove(c);
          this.append(c);
        }
        return c;
      }
      this.remove(c);
    }
    return undefined;
  }
}

/** All consumers of a queue. */
export class Consumers {
  readonly #all = new Set<Consumer>();
  /** By priority, highest first. */
  readonly #rings: Ring[] = [];

  /** @param single whether only the one that came first is served */
  constructor(readonly single: boolean) {}

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<Consumer> {
    return this.#all.values();
  }

  add(consumer: Consumer): void {
    this.#all.add(consumer);
    this.wake(consumer);
  }

  remove(consumer: Consumer): void {
    this.#all.delete(consumer);
    this.#ring(consumer).remove(consumer);
  }

  /** Gives the consumer turns again, now that it may take deliveries. */
  wake(consumer: Consumer): void {
    if (this.#all.has(consumer)) this.#ring(consumer).append(consumer);
  }

  /** The consumer that gets the next message, if any can take one. */
  turn(): Consumer | undefined {
    if (this.single) {
      const [first] = this.#all;
      return first?.canTake() ? first : undefined;
    }
    for (const ring of this.#rings) {
      const consumer = ring.turn();
      if (consumer !== undefined) return consumer;
    }
    return undefined;
  }

  #ring({ options: { priority } }: Consumer): Ring {
    let at = this.#rings.findIndex((ring) => ring.priority <= priority);
    if (at < 0) at = this.#rings.length;
    if (this.#rings[at]?.priority !== priority) {
      this.#rings.splice(at, 0, new Ring(priority));
    }
    return this.#rings[at];
  }
}
