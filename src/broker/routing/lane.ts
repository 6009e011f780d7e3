/**
 * The messages of one priority in a queue, in the order of their arrival,
 * which those that were delivered and came back find again.
 */
import type { Message } from "./message.ts";

/** A message in one queue. */
export interface Entry {
  /** Its place: larger means later. */
  place: number;
  readonly message: Message;
  /** Whether it has been delivered before. */
  redelivered: boolean;
  /** How often it came back. */
  acquired: number;
  /** How often it came back so that the delivery counts as failed. */
  failed: number;
  /** When it expires, on the monotonic clock, in ms; Infinity for never. */
  readonly expiresAt: number;
}

/** Entries waiting, first come first served. */
export class Lane {
  #fresh: (Entry | undefined)[] = [];
  #head = 0;
  /**
   * A heap, earliest first. All of it precedes all that is fresh, as only
   * the earliest entries are ever taken.
   */
  readonly #returned: Entry[] = [];

  get size(): number {
    return this.#fresh.length - this.#head + this.#returned.length;
  }

  /** Adds a new entry; its place is after all others. */
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
