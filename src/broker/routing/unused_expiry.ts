/** The argument `x-expires`: a queue that nobody uses is deleted. */
import { Wakeup } from "./wakeup.ts";

/** Watches over one queue. */
export class UnusedExpiry {
  readonly #expiresMs: number;
  readonly #isConsumed: () => boolean;
  readonly #expire: () => void;
  readonly #wakeup = new Wakeup(() => this.#check());
  #lastUsedAt = 0;

  /**
   * @param isConsumed whether the queue has consumers, and so is in use
   * @param expire called once the queue was unused for so long
   */
  constructor(
    expiresMs: number,
    isConsumed: () => boolean,
    expire: () => void,
  ) {
    this.#expiresMs = expiresMs;
    this.#isConsumed = isConsumed;
    this.#expire = expire;
    this.touch();
  }

  /** Notes that the queue is in use. */
  touch(): void {
    this.#lastUsedAt = performance.now();
    this.#wakeup.at(this.#lastUsedAt + this.#expiresMs);
  }

  cancel(): void {
    this.#wakeup.cancel();
  }

  #check(): void {
    const now = performance.now();
    const since = this.#isConsumed() ? now : this.#lastUsedAt;
    if (now - since < this.#expiresMs) {
      this.#wakeup.at(since + this.#expiresMs);
    } else this.#expire();
  }
}
