/**
 * Two clocks. Whatever is waited for in this process is measured on the
 * monotonic one, which nobody can set; the wall clock, in ms since the epoch,
 * is for what travels and for what users see.
 *
 * @module
 */

/** The monotonic clock, in ms since this thread started. */
export function nowMs(): number {
  return performance.now();
}

/** The wall clock, in ms since the epoch. */
export function epochNowMs(): number {
  return Date.now();
}

/** A point in time of the monotonic clock, on the wall clock as it is now. */
export function toEpochMs(atMs: number): number {
  return Math.round(epochNowMs() + (atMs - nowMs()));
}

/**
 * A point in time of the wall clock, which shows `epochMs` now, on the monotonic
 * clock.
 */
export function fromEpochMs(
  atEpochMs: number,
  epochMs: number = epochNowMs(),
): number {
  return nowMs() + (atEpochMs - epochMs);
}
