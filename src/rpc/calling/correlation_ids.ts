/**
 * The correlation ids of a client's attempts.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const RANDOM_BYTES = 8;

/**
 * Makes ids that no other client makes and no stranger can guess: 64 random
 * bits, then a counter. They are short (12 to 15 characters, where a UUID has
 * 36), since the broker carries them four times a call.
 */
export class CorrelationIds {
  readonly #prefix: string;
  #count = 0;

  /** Another prefix for each client. */
  constructor() {
    const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
    this.#prefix = Buffer.from(random).toString("base64url");
  }

  /** The next one. */
  next(): string {
    return this.#prefix + (this.#count++).toString(36);
  }
}
