/**
 * Writes to a stream of this program that holds up nothing: not the event loop,
 * nor the caller.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { waitAtMost } from "../../async/delay.ts";
import { afterMicrotasks } from "../../async/end_of_turn.ts";

/** What may wait for a slow reader, before there is too much. */
const MAX_BYTES = 4 * 2 ** 20;
const MAX_PARTS = 2 * 1024;

/** What a {@linkcode WriteQueue} does with what waits. */
export interface WriteQueueOptions {
  /**
   * So many parts may wait before there are too many.
   *
   * @default {2048}
   */
  maxParts?: number;
  /** Writes all of the bytes. */
  write: (bytes: Uint8Array) => Promise<void>;
  /** Hears that the bytes of so many parts could not be written. */
  onFailure: (error: unknown, parts: number) => void;
  /** Hears that a write has succeeded. */
  onWritten?: () => void;
}

/** In order, one write at a time, of all that waits by then. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;

  /** Nothing waits yet. */
  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Adds bytes, to be written as soon as those before them are. */
  add(...parts: Uint8Array[]): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.#bytes += part.length;
    }
    this.#writing ??= this.#write();
  }

  /** So much waits that no more should be added before it is written. */
  get full(): boolean {
    const { maxParts = MAX_PARTS } = this.#options;
    return this.#parts.length > maxParts || this.#bytes > MAX_BYTES;
  }

  /** Resolves when nothing waits any more. */
  async flushed(): Promise<void> {
    await this.#writing;
  }

  /** The same, or after so many ms, if that is earlier. */
  async flushedWithin(limitMs: number): Promise<void> {
    if (this.#writing) await waitAtMost(limitMs, this.#writing);
  }

  async #write(): Promise<void> {
    // What one turn of the event loop adds goes together: a write is dear.
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
