/**
 * Spreads requests evenly over time, for `--rate`.
 *
 * @module
 */
import { delay } from "../async/delay.ts";

/**
 * Says when each request is due, at a rate per second. Timers fire late, by a
 * millisecond at least; the next request is then due in the past, so that the
 * delay is made up for.
 */
export class Pace {
  readonly #intervalMs: number;
  readonly #makesUpForMs: number;
  #nextMs: number | undefined;

  /**
   * `rate` is in requests per second. No more than `makesUpForMs` of a delay is
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
 * Waits until a time on the clock of `performance.now()`, or until the signal
 * is aborted. Returns undefined if there is nothing to wait for.
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
    // Aborted: the caller checks the signal next.
  }
}
