/**
 * How long to wait before what has failed is started again.
 *
 * @module
 */
import { backoffMs } from "../async/backoff.ts";

/** After so many failures in a row, requests no longer wait for the next try. */
const HOPELESS = 3;

/** Counts failures in a row, and backs off. */
export class RestartBackoff {
  #failures = 0;

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Whether the next try will probably fail, too. */
  get isHopeless(): boolean {
    return this.#failures >= HOPELESS;
  }

  /** Counts a failure. */
  failed(): void {
    this.#failures++;
  }

  /** Starts over. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** How long to wait before the next try, in ms. */
  delayMs(): number {
    return Math.round(backoffMs(Math.max(this.#failures, 1)));
  }
}
