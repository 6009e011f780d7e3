/**
 * A bound on how much of something there is at once.
 *
 * @module
 */

/** So many places, given to whoever comes first. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes a place, as soon as there is one.
   *
   * @throws the signal's reason where it is aborted first.
   */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const turn = Promise.withResolvers<void>();
    const abort = () => turn.reject(signal.reason);
    this.#waiting.add(turn.resolve);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await turn.promise;
    } finally {
      this.#waiting.delete(turn.resolve);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Gives a place back, to the one that has waited longest. */
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
