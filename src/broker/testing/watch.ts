/** Waits until the broker is in a certain state. */

/** The longest delay that setTimeout takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Options of `Broker.waitFor`. */
export interface WaitOptions {
  /**
   * The longest wait, in ms.
   * @default 5000
   */
  timeoutMs?: number;
  /** Ends the wait; the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A type without its falsy values. */
export type Truthy<T> = Exclude<T, undefined | null | false | 0 | "">;

/** Conditions that are checked whenever something has changed. */
export class Watch {
  readonly #waits = new Map<() => void, (reason: Error) => void>();

  /** Checks all conditions; called often, so it is cheap without any. */
  changed(): void {
    if (this.#waits.size === 0) return;
    for (const check of this.#waits.keys()) check();
  }

  /** Rejects all waits. */
  close(): void {
    for (const reject of this.#waits.values()) {
      reject(new Error("the broker was closed"));
    }
  }

  /** Resolves with what the condition returns, once that is truthy. */
  async until<T>(
    condition: () => T,
    { timeoutMs = 5000, signal }: WaitOptions,
  ): Promise<Truthy<T>> {
    if (!(timeoutMs >= 0 && timeoutMs <= MAX_DELAY_MS)) {
      throw new RangeError(
        `timeoutMs must be from 0 to ${MAX_DELAY_MS}, got ${timeoutMs}`,
      );
    }
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Truthy<T>>();
    const check = () => {
      try {
        const found = condition();
        if (found) resolve(found as Truthy<T>);
      } catch (error) {
        reject(error);
      }
    };
    const onAbort = () => reject(signal?.reason);
    const text = `condition not met within ${timeoutMs} ms: ${condition}`;
    const timer = setTimeout(() => {
      reject(new DOMException(text, "TimeoutError"));
    }, timeoutMs);
    signal?.addEventListener("abort", onAbort);
    this.#waits.set(check, reject);
    try {
      check();
      return await promise;
    } finally {
      this.#waits.delete(check);
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
