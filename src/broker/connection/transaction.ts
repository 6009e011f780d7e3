/** What a channel has done in a transaction and not yet committed. */
import type { Delivery } from "./unacked.ts";

/**
 * How deliveries are settled. "requeue" counts as a failed delivery, "release"
 * does not; both put the message back. "reject" dead-letters or drops it.
 */
export type Settlement = "ack" | "requeue" | "release" | "reject";

/** Deliveries and how they are settled. */
export interface Settled {
  readonly how: Settlement;
  readonly deliveries: Delivery[];
}

/** What a transaction does when it is committed. */
export interface Commit {
  /** Each publishes a message, and returns whether all queues took it. */
  readonly publishes: readonly (() => boolean)[];
  readonly settlements: readonly Settled[];
}

/** The transaction of a channel. */
export class Transaction {
  #publishes: (() => boolean)[] = [];
  #settlements: Settled[] = [];

  publish(publish: () => boolean): void {
    this.#publishes.push(publish);
  }

  settle(how: Settlement, deliveries: Delivery[]): void {
    this.#settlements.push({ how, deliveries });
  }

  /** Empties the transaction; returns what it contained. */
  take(): Commit {
    const taken = {
      publishes: this.#publishes,
      settlements: this.#settlements,
    };
    this.#publishes = [];
    this.#settlements = [];
    return taken;
  }
}
