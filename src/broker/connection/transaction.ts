/** What a transactional channel has done and not yet committed. */
import type { Channel } from "./channel.ts";
import { AmqpError } from "../../amqp091/errors.ts";
import type { Delivery } from "./unacked.ts";

/** What becomes of deliveries that are settled; "release" counts for nothing. */
export type Settlement = "ack" | "requeue" | "release" | "reject";

/** Settles deliveries for good. */
export function settle(
  channel: Channel,
  how: Settlement,
  deliveries: readonly Delivery[],
): void {
  if (how === "requeue" || how === "release") {
    channel.requeue(deliveries, how === "requeue");
    return;
  }
  for (const delivery of deliveries) {
    if (how === "reject") delivery.reject();
    else delivery.ack();
  }
  channel.released(deliveries);
}

/** A transaction that is under way. */
export class Transaction {
  #publishes: (() => boolean)[] = [];
  #settlements: { how: Settlement; deliveries: Delivery[] }[] = [];

  constructor(readonly channel: Channel) {}

  /** Publishes when committed; `publish` returns whether it was taken. */
  publish(publish: () => boolean): void {
    this.#publishes.push(publish);
  }

  /** Settles when committed. */
  settle(how: Settlement, deliveries: Delivery[]): void {
    this.#settlements.push({ how, deliveries });
  }

  /**
   * Does all of it.
   *
   * @throws {AmqpError} 406 if a queue refused a message.
   */
  commit(): void {
    const publishes = this.#publishes;
    const settlements = this.#settlements;
    this.#publishes = [];
    this.#settlements = [];
    const refused = publishes.filter((publish) => !publish()).length;
    for (const { how, deliveries } of settlements) {
      settle(this.channel, how, deliveries);
    }
    if (refused > 0) {
      throw new AmqpError("PRECONDITION_FAILED", "partial tx completion");
    }
  }

  /** Forgets all of it; what was settled is unsettled again. */
  rollback(): void {
    const settled = this.#settlements.flatMap((s) => s.deliveries);
    this.#publishes = [];
    this.#settlements = [];
    this.channel.unacked.restore(settled);
  }
}
