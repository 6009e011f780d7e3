// Waiting for a condition that announces itself to nobody: polled, with a bound.

import { setTimeout as delay } from "node:timers/promises";

const POLL_INTERVAL_MS = 50;

/**
 * Calls `probe` until it gives something other than undefined or false, and
 * returns that.
 *
 * Only for what sends no event (another process, a file). `what` names the
 * condition, in the error at time-out.
 *
 * @throws Error when `timeoutMs` has passed; an error of `probe` as it is.
 */
export async function waitUntil<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs: number,
): Promise<Exclude<Awaited<T>, undefined | false>> {
  const endMs = performance.now() + timeoutMs;
  while (true) {
    const found = await probe();
    if (found !== undefined && found !== false) {
      return found as Exclude<Awaited<T>, undefined | false>;
    }
    if (performance.now() > endMs) {
      throw new Error(`still waiting after ${timeoutMs} ms: ${what}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
}
