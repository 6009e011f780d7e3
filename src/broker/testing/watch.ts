/** Waiting for something to become true of a broker. */

/** The longest delay that setTimeout takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Options of `Broker.waitFor`. */
export interface WaitOptions {
  /**
   * How long to wait at most, in ms.
   * @default 5000
   */
  timeoutMs?: number;
  /** Ends the wait, which is then rejected with the signal's reason. */
  signal?: AbortSignal;
}

/** What is left of a type where a condition holds. */
export type Truthy<T> = Exclude<T, undefined | null | false | 0 | "">;

/** Conditions that are looked at whenever something has changed. */
export class Watch {
  readonly #waits = new Map<() => void, (reason: Error) => void>();

  /** Looks at the conditions; costs next to nothing when there are none. */
  changed(): void {
    if (this.#waits.size === 0) return;
    for (const look of this.#waits.keys()) look();
  }

  /** Rejects all waits. */
  close(): void {
    for (const reject of this.#waits.values()) {
      reject(new Error("the broker was closed"));
    }
  }

  /** What the condition returns, as soon as that is truthy. */
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
    const look = () => {
      try {
        const found = condition();
        if (found) resolve(found as Truthy<T>);
      } catch (error) {
        reject(error);
      }
    };
    const onAbort = () => reject(signal?.reason);
    const text = `not within ${timeoutMs} ms: ${condition}`;
    const timer = setTimeout(() => {
      reject(new DOMException(text, "TimeoutError"));
    }, timeoutMs);
    signal?.addEventListener("abort", onAbort);
    this.#waits.set(look, reject);
    try {
      look();
      return await promise;
    } finally {
      this.#waits.delete(look);
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
