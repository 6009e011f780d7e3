// A bound for what should happen soon.

import { setImmediate } from "node:timers";

/** How long a test waits before it gives up, where nothing else is said. */
const BOUND_MS = 15_000;

/**
 * The promise's outcome, where it comes within `boundMs`.
 *
 * @throws Error naming `what`, when it does not.
 */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  boundMs = BOUND_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`not within ${boundMs} ms: ${what}`)),
    boundMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function turns(): Promise<void> {
  for (let n = 0; n < 3; n++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
