/**
 * Joins the writes of one turn of the event loop into one.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";

const CHUNK_BYTES = 64 * 1024;
/** Chunks kept for reuse: the one being written and the next. */
const SPARE_CHUNKS = 2;

/**
 * Collects bytes and writes them at the end of the event-loop turn. Flushing
 * in a microtask would not join much: every step of an async iterator is a
 * microtask of its own.
 */
export class JoinedWrites {
  readonly #write: (bytes: Uint8Array, onWritten: () => void) => void;
  readonly #hooks = new Set<() => void>();
  readonly #spare: Uint8Array[] = [];
  #chunk: Uint8Array = new Uint8Array(CHUNK_BYTES);
  #length = 0;
  #scheduled: ReturnType<typeof setImmediate> | undefined;

  /** `write` must not touch the bytes after it has called `onWritten`. */
  constructor(write: (bytes: Uint8Array, onWritten: () => void) => void) {
    this.#write = write;
  }

  /** Copies the bytes, to be written at the end of this turn. */
  add(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#chunk.length) this.#grow(needed);
    this.#chunk.set(bytes, this.#length);
    this.#length = needed;
    this.schedule();
  }

  /** Flushes at the end of this turn. */
  schedule(): void {
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Runs before each flush, to add what was put off until then. */
  beforeFlush(hook: () => void): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  /** Writes what is there now. */
  flush(): void {
    // Still scheduled while the hooks run: what they add needs no other turn.
    for (const hook of this.#hooks) hook();
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#length === 0) return;
    const chunk = this.#chunk;
    const bytes = chunk.subarray(0, this.#length);
    this.#chunk = this.#spare.pop() ?? new Uint8Array(CHUNK_BYTES);
    this.#length = 0;
    this.#write(bytes, () => this.#keep(chunk));
  }

  /** Forgets what was not written. */
  discard(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#length = 0;
  }

  #keep(chunk: Uint8Array): void {
    // A chunk that grew for a large body is not worth its memory.
    const worthIt = chunk.length === CHUNK_BYTES;
    if (worthIt && this.#spare.length < SPARE_CHUNKS) this.#spare.push(chunk);
  }

  #grow(needed: number): void {
    const chunk = new Uint8Array(Math.max(needed, 2 * this.#chunk.length));
    chunk.set(this.#chunk.subarray(0, this.#length));
    this.#chunk = chunk;
  }
}
