/**
 * What timers take.
 *
 * @module
 */

/** The longest delay that a timer takes, in ms; it fires at once for more. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A delay that every timer takes: for a negative one, or one that is too long,
 * Node's timers print a warning.
 */
export function timerMs(ms: number): number {
  // NaN included, which is no more than 0 either.
  return ms > 0 ? Math.min(ms, LONGEST_TIMER_MS) : 0;
}
