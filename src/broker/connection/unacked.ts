/** The deliveries of a channel that its client has not settled yet. */
import type { ChannelConsumer } from "./consumer.ts";
import { AmqpError } from "../../amqp091/errors.ts";
import type { Entry } from "../routing/lane.ts";
import type { Queue } from "../routing/queue.ts";

/** A delivery that the client must settle. Only the first settlement counts. */
export class Delivery {
  #settled = false;

  /**
   * @param consumer undefined if the message was fetched with basic.get
   * @param dueAt when it must be settled, in ms of `performance.now()`
   */
  constructor(
    readonly tag: number,
    readonly entry: Entry,
    readonly queue: Queue,
    readonly consumer: ChannelConsumer | undefined,
    readonly dueAt: number = Infinity,
  ) {
    queue.sent(entry);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Removes the message for good. */
  ack(): void {
    if (this.#settle()) this.queue.forget(this.entry);
  }

  /**
   * Puts the message back into its queue; call `pump` after the last one.
   *
   * @param failed whether it counts against the delivery limit
   * @returns false if the delivery was settled before.
   */
  putBack(failed = true): boolean {
    const first = this.#settle();
    if (first) this.queue.putBack(this.entry, failed);
    return first;
  }

  /** Dead-letters or drops the message. */
  reject(): void {
    if (this.#settle()) this.queue.reject(this.entry);
  }

  /** Returns false if it was settled before. */
  #settle(): boolean {
    const first = !this.#settled;
    this.#settled = true;
    return first;
  }
}

/** Unsettled deliveries by their tags. */
export class Unacked {
  readonly #byTag = new Map<number, Delivery>();
  /** There is no lower tag; a walk over the tags starts here. */
  #lowest = 1;
  /** No delivery is due earlier. */
  #nextDueAt = Infinity;

  get size(): number {
    return this.#byTag.size;
  }

  [Symbol.iterator](): Iterator<Delivery> {
    return this.#byTag.values();
  }

  add(delivery: Delivery): void {
    this.#byTag.set(delivery.tag, delivery);
    if (delivery.dueAt < this.#nextDueAt) this.#nextDueAt = delivery.dueAt;
  }

  /** The deliveries that should have been settled by now. */
  overdue(now: number): Delivery[] {
    if (now < this.#nextDueAt) return [];
    const overdue: Delivery[] = [];
    this.#nextDueAt = Infinity;
    for (const delivery of this.#byTag.values()) {
      const { dueAt, settled } = delivery;
      if (settled) continue;
      if (dueAt <= now) overdue.push(delivery);
      else if (dueAt < this.#nextDueAt) this.#nextDueAt = dueAt;
    }
    return overdue;
  }

  /**
   * Removes the delivery with this tag; with `multiple` also those with lower
   * tags, and tag 0 stands for all deliveries.
   *
   * @throws {AmqpError} 406 if there is no delivery with this tag.
   */
  take(tag: number, multiple: boolean): Delivery[] {
    if (multiple && tag === 0) return this.takeAll();
    const last = this.#byTag.get(tag);
    if (last === undefined) {
      throw new AmqpError("PRECONDITION_FAILED", `unknown delivery tag ${tag}`);
    }
    const taken: Delivery[] = [];
    if (multiple) {
      for (; this.#lowest < tag; this.#lowest++) {
        const delivery = this.#byTag.get(this.#lowest);
        if (delivery === undefined) continue;
        this.#byTag.delete(this.#lowest);
        taken.push(delivery);
      }
    }
    this.#byTag.delete(tag);
    taken.push(last);
    return taken;
  }

  /** Removes all deliveries, in the order of their tags. */
  takeAll(): Delivery[] {
    const all = [...this.#byTag.values()];
    this.#byTag.clear();
    return all;
  }

  /** Puts back deliveries whose settlement was rolled back. */
  restore(deliveries: Delivery[]): void {
    const all = [...deliveries, ...this.takeAll()];
    all.sort((a, b) => a.tag - b.tag);
    for (const delivery of all) this.add(delivery);
    if (all.length > 0) this.#lowest = Math.min(this.#lowest, all[0].tag);
  }
}
