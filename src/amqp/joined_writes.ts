/**
 * Joins the writes of one turn of the event loop into one.
 *
 * @module
 */
import { Writer } from "../amqp091/writer.ts";
import { afterMicrotasks } from "../async/end_of_turn.ts";

/**
 * How much may wait to be written. Beyond that, publishers wait until half of
 * it is left.
 */
const HIGH_WATER_BYTES = 16 * 1024 * 1024;

/**
 * Collects frames and writes them when all microtasks of the turn have run.
 * Flushing in one of them would not join much: every step of an async iterator
 * is a microtask of its own.
 */
export class JoinedWrites {
  /** Where frames are added; call `schedule()` after that. */
  readonly writer: Writer = new Writer();
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #onFailed: (error: Error) => void;
  readonly #hooks = new Set<() => void>();
  #sending = 0;
  #sent: Promise<void> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #scheduled = false;
  #over = false;
  readonly #flushScheduled = () => {
    // Otherwise it was flushed, or is over, meanwhile.
    if (this.#scheduled) this.flush();
  };

  /** `write` is not called again before its promise is settled. */
  constructor(
    write: (bytes: Uint8Array) => Promise<void>,
    onFailed: (error: Error) => void,
  ) {
    this.#write = write;
    this.#onFailed = onFailed;
  }

  /** Pending while too much waits to be written; else undefined. */
  get drained(): Promise<void> | undefined {
    return this.#drained?.promise;
  }

  /** Flushes at the end of this turn. */
  schedule(): void {
    this.#checkHighWater();
    if (this.#scheduled) return;
    this.#scheduled = true;
    afterMicrotasks(this.#flushScheduled);
  }

  /** Runs before each flush, to add what was put off until then. */
  beforeFlush(hook: () => void): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  /** Writes what is there now, or as soon as what is being written is. */
  flush(): void {
    try {
      // Still scheduled while the hooks run: what they add needs no further
      // flush.
      for (const hook of this.#hooks) hook();
    } finally {
      this.#scheduled = false;
      const isFree = this.#sending === 0 && !this.#over;
      if (isFree && this.writer.length > 0) this.#sent = this.#send();
      else this.#checkHighWater();
    }
  }

  /** Writes what is there, as the last; resolves when it is written. */
  async finish(): Promise<void> {
    const bytes = this.writer.take();
    this.end();
    await this.#sent;
    await this.#write(bytes);
  }

  /** Writes nothing any more: the stream is gone. */
  end(): void {
    this.#over = true;
    this.writer.truncate(0);
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  async #send(): Promise<void> {
    const bytes = this.writer.take();
    this.#sending = bytes.length;
    this.#checkHighWater();
    try {
      await this.#write(bytes);
    } catch (error) {
      return this.#onFailed(error as Error);
    }
    this.#sending = 0;
    if (this.#over) return;
    this.writer.recycle(bytes);
    this.#checkDrained();
    // Not at once: what this turn adds is to be joined, too.
    if (this.writer.length > 0) this.schedule();
  }

  get #waiting(): number {
    return this.writer.length + this.#sending;
  }

  #checkHighWater(): void {
    if (this.#waiting <= HIGH_WATER_BYTES || this.#over) return;
    this.#drained ??= Promise.withResolvers();
  }

  #checkDrained(): void {
    if (this.#waiting > HIGH_WATER_BYTES / 2) return;
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
