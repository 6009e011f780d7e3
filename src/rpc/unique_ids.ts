/**
 * Ids that no other program makes.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const RANDOM_BYTES = 8;

const RADIX = 36;
const CODE_0 = "0".charCodeAt(0);
const CODE_A = "a".charCodeAt(0);

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

  /** The next count, for `idOf()`. */
  next(): number {
    return this.#count++;
  }

  /** The id with this count. */
  idOf(count: number): string {
    return this.#prefix + count.toString(RADIX);
  }

  /** The count of an id; NaN if it is none of ours. */
  countOf(id: string): number {
    const prefix = this.#prefix;
    if (id.length <= prefix.length || !id.startsWith(prefix)) return NaN;
    let count = 0;
    for (let i = prefix.length; i < id.length; i++) {
      count = count * RADIX + digitOf(id.charCodeAt(i));
    }
    return count;
  }
}

function digitOf(code: number): number {
  if (code >= CODE_0 && code < CODE_0 + 10) return code - CODE_0;
  const digit = code - CODE_A + 10;
  return digit >= 10 && digit < RADIX ? digit : NaN;
}
