/**
 * Waiting that can be ended.
 *
 * @module
 */

/**
 * Resolves after so many ms. An abort ends the wait, and its timer, at once.
 *
 * (Deno 2.4 takes no notice of the options of `node:timers/promises`.)
 *
 * @throws {Error} named `AbortError`, its cause the reason of the signal.
 */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    const onAbort = () => {
      clearTimeout(timer);
      reject(abortError(signal!));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function abortError(signal: AbortSignal): Error {
  const error = new Error("the wait was aborted", { cause: signal.reason });
  error.name = "AbortError";
  return error;
}
