/** The consumers of a queue, and whose turn it is. */
import type { Entry } from "./lane.ts";

/** A subscription to a queue; the client's side of the broker implements it. */
export interface Consumer {
  /** Whether it must be the queue's only consumer. */
  readonly exclusive: boolean;
  /** Consumers of a higher priority are served first. */
  readonly priority: number;
  /** Whether it can take one more delivery now. */
  canTake(): boolean;
  deliver(entry: Entry): void;
  /** Tells the consumer that its queue has been deleted. */
  queueDeleted(): void;
}

/** A consumer's place in the ring of its priority. */
interface Place {
  readonly consumer: Consumer;
  readonly ring: Ring;
  previous: Place | undefined;
  next: Place | undefined;
  /** Whether it is in the ring, waiting for its turn. */
  waiting: boolean;
}

/** Consumers of one priority, taking turns. */
class Ring {
  #first: Place | undefined;
  #last: Place | undefined;

  constructor(readonly priority: number) {}

  append(place: Place): void {
    if (place.waiting) return;
    place.waiting = true;
    place.previous = this.#last;
    place.next = undefined;
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
  }

  remove(place: Place): void {
    if (!place.waiting) return;
    place.waiting = false;
    const { previous, next } = place;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    place.previous = place.next = undefined;
  }

  /**
   * The next consumer that can take a delivery; it moves to the end. Those
   * that can't take one leave the ring until they are woken, so that later
   * deliveries do not look at them again.
   */
  turn(): Consumer | undefined {
    for (let place = this.#first; place; place = this.#first) {
      if (place.consumer.canTake()) {
        if (place !== this.#last) {
          this.remove(place);
          this.append(place);
        }
        return place.consumer;
      }
      this.remove(place);
    }
    return undefined;
  }
}

/** All consumers of a queue. */
export class Consumers {
  readonly #places = new Map<Consumer, Place>();
  /** By priority, highest first. */
  readonly #rings: Ring[] = [];

  /** @param single whether only the oldest consumer is served */
  constructor(readonly single: boolean) {}

  get size(): number {
    return this.#places.size;
  }

  /** The oldest one. */
  get first(): Consumer | undefined {
    for (const consumer of this.#places.keys()) return consumer;
    return undefined;
  }

  [Symbol.iterator](): Iterator<Consumer> {
    return this.#places.keys();
  }

  add(consumer: Consumer): void {
    const place = {
      consumer,
      ring: this.#ring(consumer.priority),
      previous: undefined,
      next: undefined,
      waiting: false,
    };
    this.#places.set(consumer, place);
    place.ring.append(place);
  }

  remove(consumer: Consumer): void {
    const place = this.#places.get(consumer);
    this.#places.delete(consumer);
    place?.ring.remove(place);
  }

  /** Gives a consumer turns again that can take deliveries again. */
  wake(consumer: Consumer): void {
    const place = this.#places.get(consumer);
    place?.ring.append(place);
  }

  /** The consumer to serve next; undefined if none can take a delivery. */
  turn(): Consumer | undefined {
    if (this.single) {
      const { first } = this;
      return first?.canTake() ? first : undefined;
    }
    for (const ring of this.#rings) {
      const consumer = ring.turn();
      if (consumer !== undefined) return consumer;
    }
    return undefined;
  }

  #ring(priority: number): Ring {
    let at = this.#rings.findIndex((ring) => ring.priority <= priority);
    if (at < 0) at = this.#rings.length;
    if (this.#rings[at]?.priority !== priority) {
      this.#rings.splice(at, 0, new Ring(priority));
    }
    return this.#rings[at];
  }
}
