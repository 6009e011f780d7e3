/**
 * Limits how many of something there are at once.
 *
 * @module
 */

/** A counting semaphore: permits go to whoever has waited longest. */
export class Semaphore {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** Starts with this many permits. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes a permit, as soon as there is one.
   *
   * @throws the signal's reason if it is aborted first.
   */
  async acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const turn = Promise.withResolvers<void>();
    const abort = () => {
      // At once: a permit that is released now must not go to this waiter.
      this.#waiting.delete(turn.resolve);
      turn.reject(signal.reason);
    };
    this.#waiting.add(turn.resolve);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Gives a permit back. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
