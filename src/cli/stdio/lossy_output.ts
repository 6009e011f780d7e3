/**
 * Lines that are not worth waiting for: the log, and what a server says of its
 * requests.
 *
 * @module
 */
import { WriteQueue } from "./write_queue.ts";

/** Lines that may wait for a slow reader. */
const MAX_LINES = 16 * 1024;
const encoder = new TextEncoder();

/**
 * Lines for a stream that may be read slowly, or not at all, or that can't be
 * written: a disk is full, a reader has left. Neither holds up the program, nor
 * ends it: lines are left out then, and counted.
 */
export class LossyOutput {
  readonly #queue: WriteQueue;
  readonly #tellLost: (lines: number) => void;
  #lost = 0;

  /** `tellLost` is called once there is room again. */
  constructor(
    write: (bytes: Uint8Array) => Promise<void>,
    tellLost: (lines: number) => void,
  ) {
    this.#tellLost = tellLost;
    this.#queue = new WriteQueue({
      write,
      maxParts: MAX_LINES,
      onFailure: (_, lines) => this.#lost += lines,
      onWritten: () => this.#onWritten(),
    });
  }

  /** Adds a line, or counts it as lost. */
  add(line: string): void {
    if (this.#queue.full) this.#lost++;
    else this.#queue.add(encoder.encode(`${line}\n`));
  }

  /** Adds what is out of date soon: nobody misses it. */
  show(text: string): void {
    if (!this.#queue.full) this.#queue.add(encoder.encode(text));
  }

  /** Resolves when all is written that can be in so many ms. */
  async flushedWithin(limitMs: number): Promise<void> {
    await this.#queue.flushedWithin(limitMs);
  }

  #onWritten(): void {
    const lost = this.#lost;
    if (lost === 0) return;
    this.#lost = 0;
    this.#tellLost(lost);
  }
}
