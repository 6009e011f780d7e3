/**
 * The limits of timers.
 *
 * @module
 */

/** The longest delay of a timer, in ms; for more it fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A delay within the limits of timers: for a negative or too long one, Node's
 * print a warning.
 */
export function timerMs(ms: number): number {
  // NaN included, which is no more than 0 either.
  return ms > 0 ? Math.min(ms, LONGEST_TIMER_MS) : 0;
}
