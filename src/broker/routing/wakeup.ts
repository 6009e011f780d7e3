/** One timer for several points in time. */

/** The longest delay that setTimeout takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Calls a function at the earliest of the times asked for, or before. */
export class Wakeup {
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueAt = Infinity;

  /** @param wake finds out what is due, and asks for the next time */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Asks for a time, in ms of `performance.now()`. */
  at(dueAt: number): void {
    if (dueAt >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    const delayMs = Math.max(dueAt - performance.now(), 0);
    this.#timer = setTimeout(() => {
      this.#dueAt = Infinity;
      this.#wake();
    }, Math.min(delayMs, MAX_DELAY_MS));
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Infinity;
  }
}
