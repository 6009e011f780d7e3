/**
 * Joins the writes of one turn of the event loop into one.
 *
 * @module
 */
import { afterMicrotasks } from "../../rpc/turns.ts";
import { MessageView } from "./view.ts";

/** Room for a body of 64 KiB and what is around it, a few times over. */
const CHUNK_BYTES = 256 * 1024;
/**
 * What may wait for the system to take it. More is only copied to wait there:
 * who has more to write waits until half of that is left.
 */
const HIGH_WATER_BYTES = 16 * 1024 * 1024;
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
  #unwritten = 0;
  #drained: PromiseWithResolvers<void> | undefined;
  #scheduled = false;
  readonly #flushScheduled = () => {
    // Else it was flushed, or discarded, meanwhile.
    if (this.#scheduled) this.flush();
  };

  /** `write` must not touch the bytes after it has called `onWritten`. */
  constructor(write: (bytes: Uint8Array, onWritten: () => void) => void) {
    this.#write = write;
  }

  /** Pending while too much waits to be written; else undefined. */
  get drained(): Promise<void> | undefined {
    return this.#drained?.promise;
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

  /** Forgets what was not written: there is nowhere to write it to. */
  discard(): void {
    this.#scheduled = false;
    this.#length = 0;
    this.#written(this.#unwritten);
  }

  #writeChunk(): void {
    if (this.#length === 0) return;
    const chunk = this.#chunk;
    const bytes = chunk.bytes.subarray(0, this.#length);
    this.#chunk = this.#spare.pop() ?? newChunk(CHUNK_BYTES);
    this.#length = 0;
    this.#unwritten += bytes.length;
    if (this.#unwritten > HIGH_WATER_BYTES) {
      this.#drained ??= Promise.withResolvers();
    }
    this.#write(bytes, () => {
      this.#written(bytes.length);
      this.#keep(chunk);
    });
  }

  #written(bytes: number): void {
    // Those that were discarded are not written any more.
    this.#unwritten = Math.max(this.#unwritten - bytes, 0);
    if (this.#unwritten > HIGH_WATER_BYTES / 2) return;
    this.#drained?.resolve();
    this.#drained = undefined;
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
