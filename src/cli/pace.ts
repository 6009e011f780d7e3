/**
 * Spreads requests evenly over time.
 *
 * @module
 */
import { delay } from "../async/delay.ts";

/**
 * When each request is due, at so many a second. Timers are late, by a
 * millisecond at least: what they delay is due earlier than now, and made up
 * for.
 */
export class Pace {
  readonly #intervalMs: number;
  readonly #makesUpForMs: number;
  #nextMs: number | undefined;

  /**
   * `rate` is in requests a second. Of a delay no more than `makesUpForMs` is
   * made up for.
   */
  constructor(rate: number, makesUpForMs: number) {
    this.#intervalMs = 1000 / rate;
    this.#makesUpForMs = makesUpForMs;
  }

  /** When the next request is due, on the clock of `performance.now()`. */
  next(): number {
    const nowMs = performance.now();
    const dueMs = Math.max(this.#nextMs ?? nowMs, nowMs - this.#makesUpForMs);
    this.#nextMs = dueMs + this.#intervalMs;
    return dueMs;
  }
}

/**
 * Resolves at a time on the clock of `performance.now()`, or when the signal is
 * aborted; undefined where there is nothing to wait for.
 */
export function until(
  dueMs: number,
  signal: AbortSignal,
): Promise<void> | undefined {
  return dueMs <= performance.now() ? undefined : waitUntil(dueMs, signal);
}

async function waitUntil(dueMs: number, signal: AbortSignal): Promise<void> {
  try {
    for (let leftMs; (leftMs = dueMs - performance.now()) > 0;) {
      await delay(Math.ceil(leftMs), signal);
    }
  } catch {
    // Called off: whoever waits looks at the signal next.
  }
}
