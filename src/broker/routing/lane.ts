/**
 * The messages of one priority in a queue, in the order of their arrival.
 * Messages that are put back return to their old places.
 */
import type { Message } from "./message.ts";

/** A message in one queue. */
export interface Entry {
  /** Its place in the queue: larger means later. */
  place: number;
  readonly message: Message;
  /** Whether it has been delivered before. */
  redelivered: boolean;
  /** How often it was put back. */
  acquired: number;
  /** How often it was put back by a delivery that counts as failed. */
  failed: number;
  /** When it expires, in ms of `performance.now()`; Infinity for never. */
  readonly expiresAt: number;
}

/** A message that was published just now. */
export function newEntry(
  message: Message,
  place: number,
  ttlMs: number,
): Entry {
  return {
    place,
    message,
    redelivered: false,
    acquired: 0,
    failed: 0,
    expiresAt: ttlMs === Infinity ? Infinity : performance.now() + ttlMs,
  };
}

/** The entries of one priority, first in, first out. */
export class Lane {
  #fresh: (Entry | undefined)[] = [];
  #head = 0;
  /**
   * Entries that were put back: a heap, earliest first. All of them precede
   * the fresh ones, since only the earliest entries are ever taken.
   */
  readonly #returned: Entry[] = [];

  get size(): number {
    return this.#fresh.length - this.#head + this.#returned.length;
  }

  /** Adds an entry whose place is after all others. */
  push(entry: Entry): void {
    this.#fresh.push(entry);
  }

  /** Puts back an entry that was taken. */
  putBack(entry: Entry): void {
    const heap = this.#returned;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].place <= entry.place) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = entry;
  }

  /** The first entry. */
  peek(): Entry | undefined {
    return this.#returned[0] ?? this.#fresh[this.#head];
  }

  /** Removes and returns the first entry. */
  take(): Entry | undefined {
    if (this.#returned.length > 0) return this.#takeReturned();
    const entry = this.#fresh[this.#head];
    if (entry === undefined) return undefined;
    this.#fresh[this.#head++] = undefined;
    if (this.#head === this.#fresh.length) {
      this.#fresh.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }

  #takeReturned(): Entry | undefined {
    const heap = this.#returned;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (heap[child + 1]?.place < heap[child].place) child++;
      if (heap[child].place >= last.place) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
