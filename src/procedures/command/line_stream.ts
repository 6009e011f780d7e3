/**
 * The items of one answer of a long-running child.
 *
 * @module
 */
import { AsyncQueue } from "../../async/queue.ts";

/** With so many bytes waiting, the child is not read any further. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** What an item takes beside its text. */
const ITEM_BYTES = 128;

/** An item, with about how much memory it takes. */
interface WaitingItem {
  readonly value: unknown;
  readonly bytes: number;
}

/** What becomes of the items. */
export interface LineStreamHooks {
  /** Fewer wait than before. */
  onTaken: () => void;
  /** Nobody wants any more. */
  onReturn: () => void;
}

/** Items between the child, which is read line by line, and their reader. */
export class LineStream implements AsyncIterableIterator<unknown> {
  readonly #items: AsyncQueue<WaitingItem>;
  readonly #onTaken: () => void;
  #waitingBytes = 0;

  /** None has come. */
  constructor({ onTaken, onReturn }: LineStreamHooks) {
    this.#onTaken = onTaken;
    this.#items = new AsyncQueue(onReturn);
  }

  /** Whether so much waits that the child has to wait. */
  get isFull(): boolean {
    return this.#waitingBytes > MAX_WAITING_BYTES;
  }

  /** Adds an item, which came in a line of this length. */
  push(value: unknown, lineLength: number): void {
    const bytes = ITEM_BYTES + lineLength;
    this.#waitingBytes += bytes;
    this.#items.push({ value, bytes });
  }

  /** No more items, by an error if one is given. */
  end(error?: Error): void {
    this.#items.end(error);
  }

  /** The next item, once there is one. */
  async next(): Promise<IteratorResult<unknown>> {
    const next = await this.#items.next();
    if (next.done) return next;
    this.#waitingBytes -= next.value.bytes;
    this.#onTaken();
    return { value: next.value.value, done: false };
  }

  /** The reader leaves. */
  async return(): Promise<IteratorResult<unknown>> {
    this.#waitingBytes = 0;
    this.#onTaken();
    return await this.#items.return();
  }

  /** Itself: there is one reader. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}
