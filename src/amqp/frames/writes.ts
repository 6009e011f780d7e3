/**
 * Joins the writes of one turn of the event loop into one.
 *
 * @module
 */
import { afterMicrotasks } from "../../rpc/turns.ts";
import { MessageView } from "./view.ts";

/** Room for a body of 64 KiB and what is around it, a few times over. */
const CHUNK_BYTES = 256 * 1024;
/** Chunks kept for reuse: the one being written and the next. */
const SPARE_CHUNKS = 2;

/** Bytes, and the means to fill them. */
interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: MessageView;
}

/**
 * Collects bytes and writes them at the end of the event-loop turn. Flushing in
 * a microtask would not join much: every step of an async iterator is a
 * microtask of its own.
 */
export class JoinedWrites {
  readonly #write: (bytes: Uint8Array, onWritten: () => void) => void;
  readonly #hooks = new Set<() => void>();
  readonly #spare: Chunk[] = [];
  #chunk = newChunk(CHUNK_BYTES);
  #length = 0;
  #scheduled = false;
  readonly #flushScheduled = () => {
    // Else it was flushed, or discarded, meanwhile.
    if (this.#scheduled) this.flush();
  };

  /** `write` must not touch the bytes after it has called `onWritten`. */
  constructor(write: (bytes: Uint8Array, onWritten: () => void) => void) {
    this.#write = write;
  }

  /** Copies the bytes, to be written at the end of this turn. */
  add(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#chunk.bytes.set(bytes, at);
    this.commit(at + bytes.length);
  }

  /** Makes room in the view; returns where it begins. */
  reserve(bytes: number): number {
    if (this.#length + bytes > this.#chunk.bytes.length) {
      this.#writeChunk();
      if (bytes > this.#chunk.bytes.length) this.#chunk = newChunk(bytes);
    }
    return this.#length;
  }

  /** Where to write what there is room for. */
  get view(): MessageView {
    return this.#chunk.view;
  }

  /** What was put into the view up to `end` is written with this turn. */
  commit(end: number): void {
    this.#length = end;
    this.schedule();
  }

  /** Flushes at the end of this turn. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    afterMicrotasks(this.#flushScheduled);
  }

  /** Runs before each flush, to add what was put off until then. */
  beforeFlush(hook: () => void): () => void {
    this.#hooks.add(hook);
    return () => void this.#hooks.delete(hook);
  }

  /** Writes what is there now. */
  flush(): void {
    try {
      // Still scheduled while the hooks run: what they add needs no other turn.
      for (const hook of this.#hooks) hook();
    } finally {
      this.#scheduled = false;
      this.#writeChunk();
    }
  }

  /** Forgets what was not written. */
  discard(): void {
    this.#scheduled = false;
    this.#length = 0;
  }

  #writeChunk(): void {
    if (this.#length === 0) return;
    const chunk = this.#chunk;
    const bytes = chunk.bytes.subarray(0, this.#length);
    this.#chunk = this.#spare.pop() ?? newChunk(CHUNK_BYTES);
    this.#length = 0;
    this.#write(bytes, () => this.#keep(chunk));
  }

  #keep(chunk: Chunk): void {
    // A chunk that was made for a large body is not worth its memory.
    const worthIt = chunk.bytes.length === CHUNK_BYTES;
    if (worthIt && this.#spare.length < SPARE_CHUNKS) this.#spare.push(chunk);
  }
}

function newChunk(length: number): Chunk {
  const bytes = new Uint8Array(length);
  return { bytes, view: new MessageView(bytes) };
}
