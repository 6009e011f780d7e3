/**
 * The time that running requests have to finish once their server stops.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";
import { timerMs } from "../../async/timers.ts";

/** A grace period, which may be asked for again: the shortest counts. */
export class Grace {
  readonly #over = Promise.withResolvers<void>();
  #dueMs = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /** Resolves when the time is up. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Ends the period after so long, if it does not end earlier. */
  limit(graceMs: number): void {
    if (graceMs === 0) this.#over.resolve();
    if (this.#ended) return;
    const dueMs = nowMs() + graceMs;
    if (dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#over.resolve, timerMs(graceMs));
  }

  /** Stops the timer: everything has finished. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
