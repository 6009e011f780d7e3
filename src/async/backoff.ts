/**
 * How long to wait before trying again.
 *
 * @module
 */

const FIRST_MS = 200;
const LONGEST_MS = 10_000;

/**
 * The delay before attempt number `attempt` (1 for the first retry), in ms:
 * doubling from 200 ms up to 10 s, of which a random half is taken off so
 * that many clients of one broker do not come back in step.
 *
 * @param random returns a number from 0 to below 1
 */
export function backoffMs(
  attempt: number,
  random: () => number = Math.random,
): number {
  const ceilingMs = Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS);
  return ceilingMs * (1 - random() / 2);
}
