/**
 * A queue of writes that blocks neither the event loop nor the caller.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { waitAtMost } from "../../async/delay.ts";
import { afterMicrotasks } from "../../async/end_of_turn.ts";

/** How much may wait for a slow reader. */
const MAX_BYTES = 4 * 2 ** 20;
const MAX_PARTS = 2 * 1024;

/** How a {@linkcode WriteQueue} writes. */
export interface WriteQueueOptions {
  /**
   * How many parts may wait.
   *
   * @default {2048}
   */
  maxParts?: number;
  /** Writes all bytes. */
  write: (bytes: Uint8Array) => Promise<void>;
  /** Called with the error and the number of parts that were not written. */
  onFailure: (error: unknown, parts: number) => void;
  /** Called when a write has succeeded. */
  onWritten?: () => void;
}

/** Writes in order, one write at a time, everything that waits by then. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;

  /** Writes nothing yet. */
  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Adds bytes, to be written after those before them. */
  add(...parts: Uint8Array[]): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.#bytes += part.length;
    }
    this.#writing ??= this.#write();
  }

  /** Whether too much is waiting to add more. */
  get full(): boolean {
    const { maxParts = MAX_PARTS } = this.#options;
    return this.#parts.length > maxParts || this.#bytes > MAX_BYTES;
  }

  /** Resolves when everything is written. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  /** Resolves when everything is written, or after `limitMs`. */
  async flushedWithin(limitMs: number): Promise<void> {
    if (this.#writing) await waitAtMost(limitMs, this.#writing);
  }

  async #write(): Promise<void> {
    // Writes are expensive: join what one turn of the event loop adds.
    await new Promise<void>(afterMicrotasks);
    while (this.#parts.length > 0) {
      const parts = this.#parts;
      this.#parts = [];
      this.#bytes = 0;
      try {
        await this.#options.write(Buffer.concat(parts));
        this.#options.onWritten?.();
      } catch (error) {
        this.#options.onFailure(error, parts.length);
      }
    }
    this.#writing = undefined;
  }
}
