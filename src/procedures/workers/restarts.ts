/**
 * When what ended by itself is started again.
 *
 * @module
 */
import { backoffMs } from "../../async/backoff.ts";
import type { RpcError } from "../../rpc/errors.ts";

/** Ends without an answer in between: nobody should wait for more of them. */
const HOPELESS = 3;

/** Starts again after a backoff, which an answer makes short again. */
export class Restarts implements Disposable {
  readonly #start: () => void;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #failures = 0;
  #lastFailure: RpcError | undefined;

  /** `start` is called when it is time. */
  constructor(start: () => void) {
    this.#start = start;
  }

  /** Why the last one ended; undefined where there was an answer since. */
  get lastFailure(): RpcError | undefined {
    return this.#lastFailure;
  }

  /** Whether so many ended in a row that the next may as well. */
  get hopeless(): boolean {
    return this.#failures >= HOPELESS;
  }

  /** There was an answer. */
  succeeded(): void {
    this.#failures = 0;
    this.#lastFailure = undefined;
  }

  /** One has ended; returns in how many ms the next is started. */
  failed(reason: RpcError): number {
    this.#lastFailure = reason;
    const inMs = Math.round(backoffMs(++this.#failures));
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#start();
    }, inMs);
    this.#timers.add(timer);
    return inMs;
  }

  /** Starts nothing more. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
