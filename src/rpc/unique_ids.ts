/**
 * Ids that no other program makes.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const RANDOM_BYTES = 8;

/**
 * Makes ids that nobody else makes and no stranger can guess: 64 random bits,
 * then a counter. They are short (12 to 15 characters, where a UUID has 36),
 * since the broker carries those of calls four times a call.
 */
export class UniqueIds {
  readonly #prefix: string;
  #count = 0;

  /** Another prefix for each maker. */
  constructor() {
    const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
    this.#prefix = Buffer.from(random).toString("base64url");
  }

  /** The next one. */
  next(): string {
    return this.#prefix + (this.#count++).toString(36);
  }
}
