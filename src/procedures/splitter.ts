/**
 * Splits a byte stream at a separator.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Splits a byte stream into records, one chunk at a time. */
export class Splitter {
  readonly #separator: number;
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #skipping = false;

  /**
   * Of a record longer than `maxBytes`, the first `maxBytes + 1` bytes are
   * given as soon as they are there, and the rest is skipped.
   */
  constructor(separator: number, maxBytes = Infinity) {
    this.#separator = separator;
    this.#maxBytes = maxBytes;
  }

  /** The records that end, or become too long, in this chunk. */
  *split(chunk: Uint8Array): Generator<Uint8Array> {
    for (let start = 0; start < chunk.length;) {
      const separator = chunk.indexOf(this.#separator, start);
      const isEnd = separator >= 0;
      const end = isEnd ? separator : chunk.length;
      const wasSkipping = this.#skipping;
      if (!wasSkipping) this.#add(chunk.subarray(start, end));
      const isTooLong = this.#length > this.#maxBytes;
      this.#skipping = !isEnd && (wasSkipping || isTooLong);
      if (!wasSkipping && (isEnd || isTooLong)) yield this.#take();
      start = end + 1;
    }
  }

  /** What follows the last separator, unless it is empty. */
  *rest(): Generator<Uint8Array> {
    if (this.#length > 0) yield this.#take();
  }

  #add(piece: Uint8Array): void {
    const room = this.#maxBytes + 1 - this.#length;
    const kept = piece.length > room ? piece.subarray(0, room) : piece;
    if (kept.length > 0) this.#pieces.push(kept);
    this.#length += kept.length;
  }

  #take(): Uint8Array {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#length = 0;
    return pieces.length === 1
      ? pieces[0]!
      : new Uint8Array(Buffer.concat(pieces));
  }
}
