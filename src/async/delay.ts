/**
 * Waiting: for a time, for a promise, until an abort.
 *
 * @module
 */
import { LONGEST_TIMER_MS, timerMs } from "./timers.ts";

/**
 * Resolves after this many ms, beyond the limit of timers too. (The one of
 * node:timers/promises ignores its signal on Deno 2.4.)
 *
 * @throws the signal's reason, at once, if it is or becomes aborted.
 */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    let timer: ReturnType<typeof setTimeout>;
    const arm = (leftMs: number) => {
      timer = setTimeout(() => {
        if (leftMs > LONGEST_TIMER_MS) return arm(leftMs - LONGEST_TIMER_MS);
        signal?.removeEventListener("abort", abort);
        resolve();
      }, timerMs(leftMs));
    };
    arm(ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/**
 * Resolves when a promise does, or after this many ms, whichever is first.
 *
 * @throws what it ends with, if it fails in time.
 */
export async function waitAtMost(
  ms: number,
  ending: Promise<unknown>,
): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, timerMs(ms));
  try {
    await Promise.race([ending, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Resolves with what a promise comes to, unless the signal is aborted first.
 *
 * @throws what the promise ends with, or the signal's reason.
 */
export async function unlessAborted<T>(
  signal: AbortSignal,
  promise: Promise<T> | T,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted.promise, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Resolves when a promise has ended in whatever way: for failures that are
 * reported elsewhere, or that do not matter.
 */
export async function settled(promise: Promise<unknown>): Promise<void> {
  await Promise.allSettled([promise]);
}
