/**
 * Spreads requests evenly over time.
 *
 * @module
 */
import { delay } from "../rpc/delay.ts";

/** So many a second at most, evenly: no burst makes up for a pause. */
export class Pace {
  readonly #intervalMs: number;
  #nextMs = 0;

  /** `rate` is in requests a second. */
  constructor(rate: number) {
    this.#intervalMs = 1000 / rate;
  }

  /** Resolves when the next request is due, or the signal is aborted. */
  async next(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    const dueMs = Math.max(this.#nextMs, nowMs);
    this.#nextMs = dueMs + this.#intervalMs;
    if (dueMs <= nowMs) return;
    try {
      await delay(dueMs - nowMs, signal);
    } catch {
      // Called off: whoever waits looks at the signal next.
    }
  }
}
