/**
 * Starts workers again that could not start, or that ended by themselves.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import { RestartBackoff } from "../restart_backoff.ts";

/** Starts again after a backoff, which an answer resets. */
export class Restarts implements Disposable {
  readonly #start: () => void;
  readonly #backoff = new RestartBackoff();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #lastFailure: RpcError | undefined;

  /** `start` is called when it is time. */
  constructor(start: () => void) {
    this.#start = start;
  }

  /** The last failure; undefined if there was an answer after it. */
  get lastFailure(): RpcError | undefined {
    return this.#lastFailure;
  }

  /** Whether the next start will probably fail, too. */
  get isHopeless(): boolean {
    return this.#backoff.isHopeless;
  }

  /** To be called for each answer. */
  succeeded(): void {
    this.#backoff.succeeded();
    this.#lastFailure = undefined;
  }

  /** To be called for each failure; returns the delay of the start in ms. */
  failed(reason: RpcError): number {
    this.#lastFailure = reason;
    this.#backoff.failed();
    const delayMs = this.#backoff.delayMs();
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#start();
    }, delayMs);
    this.#timers.add(timer);
    return delayMs;
  }

  /** Starts nothing more. */
  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
