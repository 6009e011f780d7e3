/**
 * Work that many share without keeping the event loop to themselves.
 *
 * @module
 */
import timers from "node:timers";
import { afterMicrotasks } from "./end_of_turn.ts";

/** So many steps in one turn of the event loop, for all who take some. */
export class TurnBudget {
  readonly #steps: number;
  #taken = 0;
  #next: Promise<void> | undefined;

  /** Nothing is taken yet. */
  constructor(steps: number) {
    this.#steps = steps;
  }

  /** Takes a step; what to wait for before it, if none is left. */
  take(): Promise<void> | undefined {
    if (this.#taken++ === 0) afterMicrotasks(() => this.#taken = 0);
    if (this.#taken <= this.#steps) return undefined;
    return this.#next ??= new Promise((resolve) =>
      timers.setImmediate(() => {
        this.#next = undefined;
        resolve();
      })
    );
  }
}
