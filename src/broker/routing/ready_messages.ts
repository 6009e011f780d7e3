/** The messages of a queue that wait to be delivered. */
import { type Entry, Lane } from "./lane.ts";
import type { MemoryShare } from "./memory.ts";
import { bodySize, type Message } from "./message.ts";

/** The settings of a queue that concern its ready messages. */
interface Limits {
  /** The highest priority; whatever is above counts as this one. */
  readonly maxPriority: number;
  readonly maxLength: number;
  readonly maxLengthBytes: number;
}

/** Entries by priority, counted. */
export class ReadyMessages {
  /** By priority, lowest first. */
  readonly #lanes: readonly Lane[];
  readonly #limits: Limits;
  readonly #memory: MemoryShare;
  #count = 0;
  #bytes = 0;
  /** How many of them may expire. */
  #expiring = 0;

  constructor(limits: Limits, memory: MemoryShare) {
    this.#limits = limits;
    this.#memory = memory;
    this.#lanes = Array.from(
      { length: limits.maxPriority + 1 },
      () => new Lane(),
    );
  }

  get count(): number {
    return this.#count;
  }

  /** Whether one more message would exceed the limits. */
  isFull(message: Message): boolean {
    return this.#exceeds(this.#count + 1, this.#bytes + bodySize(message));
  }

  /** Whether there are more messages than the limits allow. */
  isOverLimit(): boolean {
    return this.#exceeds(this.#count, this.#bytes);
  }

  /** Whether any of them may expire; spares looking at the clock. */
  get mayExpire(): boolean {
    return this.#expiring > 0;
  }

  /** Adds an entry whose place is after all others. */
  push(entry: Entry): void {
    this.#lane(entry).push(entry);
    this.#added(entry);
  }

  /** Puts back an entry where it was. */
  putBack(entry: Entry): void {
    this.#lane(entry).putBack(entry);
    this.#added(entry);
  }

  /** Takes the first message of the highest priority there is. */
  take(): Entry | undefined {
    for (let i = this.#lanes.length - 1; i >= 0; i--) {
      const entry = this.#lanes[i].take();
      if (entry === undefined) continue;
      this.#removed(entry);
      return entry;
    }
    return undefined;
  }

  /**
   * Takes a message that has expired. Like RabbitMQ it looks only at the first
   * of each priority: later ones wait until they are the first.
   */
  takeExpired(now: number): Entry | undefined {
    for (const lane of this.#lanes) {
      const entry = lane.peek();
      if (entry === undefined || entry.expiresAt > now) continue;
      lane.take();
      this.#removed(entry);
      return entry;
    }
    return undefined;
  }

  /** When the next one expires, in ms of `performance.now()`. */
  get nextExpiry(): number {
    let dueAt = Infinity;
    for (const lane of this.#lanes) {
      dueAt = Math.min(dueAt, lane.peek()?.expiresAt ?? Infinity);
    }
    return dueAt;
  }

  #lane({ message: { priority } }: Entry): Lane {
    return this.#lanes[Math.min(priority, this.#lanes.length - 1)];
  }

  #exceeds(count: number, bytes: number): boolean {
    return count > this.#limits.maxLength ||
      bytes > this.#limits.maxLengthBytes;
  }

  #added({ message, expiresAt }: Entry): void {
    this.#count++;
    this.#bytes += bodySize(message);
    if (expiresAt !== Infinity) this.#expiring++;
    this.#memory.take(message);
  }

  #removed({ message, expiresAt }: Entry): void {
    this.#count--;
    this.#bytes -= bodySize(message);
    if (expiresAt !== Infinity) this.#expiring--;
    this.#memory.release(message);
  }
}
