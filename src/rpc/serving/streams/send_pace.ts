/**
 * How fast all streams of a server send.
 *
 * @module
 */
import { settled } from "../../../async/delay.ts";
import { TurnBudget } from "../../../async/turn_budget.ts";
import type { StreamPort } from "../../transport.ts";

/** Whatever else waits for the event loop waits for so many at most. */
const ITEMS_PER_TURN = 128;
/** So many are sent while the broker takes as many. */
const ITEMS_PER_ROUND = 512;

/**
 * Calls share the event loop and the connection with streams: their replies wait
 * behind items that the broker has not taken yet.
 */
export class SendPace {
  readonly #turns = new TurnBudget(ITEMS_PER_TURN);
  #ofRound = 0;
  /** Pending while the broker has not taken the round before. */
  #taking: Promise<void> | undefined;

  /** For an item: what to wait for before it; undefined if it may go at once. */
  take(port: StreamPort): Promise<void> | undefined {
    if (++this.#ofRound > ITEMS_PER_ROUND) {
      if (this.#taking !== undefined) return this.#taking;
      this.#ofRound = 1;
      this.#taking = this.#taken(port);
    }
    return this.#turns.take();
  }

  /** What is lost with its connection is not waited for either. */
  async #taken(port: StreamPort): Promise<void> {
    await settled(port.itemsTaken());
    this.#taking = undefined;
  }
}
