/**
 * Output that drops lines instead of waiting for its reader.
 *
 * @module
 */
import { WriteQueue } from "./write_queue.ts";

/** How many lines may wait for a slow reader. */
const MAX_LINES = 16 * 1024;
const encoder = new TextEncoder();

/**
 * Lines for a stream whose reader may be slow, and whose writes may fail (a
 * full disk, a closed pipe). Neither holds up the program nor ends it: lines
 * are dropped and counted.
 */
export class LossyOutput {
  readonly #queue: WriteQueue;
  readonly #reportLost: (lines: number) => void;
  #lost = 0;

  /** `reportLost` is called once there is room again. */
  constructor(
    write: (bytes: Uint8Array) => Promise<void>,
    reportLost: (lines: number) => void,
  ) {
    this.#reportLost = reportLost;
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

  /** Adds text that will soon be out of date; if dropped, it is not counted. */
  show(text: string): void {
    if (!this.#queue.full) this.#queue.add(encoder.encode(text));
  }

  /** Resolves when everything is written, or after `limitMs`. */
  async flushedWithin(limitMs: number): Promise<void> {
    await this.#queue.flushedWithin(limitMs);
  }

  #onWritten(): void {
    const lost = this.#lost;
    if (lost === 0) return;
    this.#lost = 0;
    this.#reportLost(lost);
  }
}
