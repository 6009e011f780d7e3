/**
 * A queue between a callback and an iterator.
 *
 * @module
 */

/**
 * An unbounded queue that is read with `for await`, by one reader.
 *
 * What was pushed before the end is still delivered, so that no message is
 * lost between a callback and its reader. (A ReadableStream does the same at
 * several promises an item.)
 */
export class AsyncQueue<T> implements AsyncIterableIterator<T> {
  #items: T[] = [];
  #head = 0;
  #ended = false;
  #error: Error | undefined;
  #waiting: PromiseWithResolvers<IteratorResult<T>> | undefined;

  readonly #onReturn: (() => void) | undefined;

  /** `onReturn` is called when the reader leaves its loop. */
  constructor(onReturn?: () => void) {
    this.#onReturn = onReturn;
  }

  /** Adds an item; ignored after the end. */
  push(item: T): void {
    if (this.#ended) return;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#items.push(item);
      return;
    }
    this.#waiting = undefined;
    waiting.resolve({ value: item, done: false });
  }

  /**
   * No more items; the reader ends after those that are here, by an error
   * if one is given.
   */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.#finish().then(waiting.resolve, waiting.reject);
  }

  /** The next item, once there is one. */
  next(): Promise<IteratorResult<T>> {
    if (this.#head < this.#items.length) {
      return Promise.resolve({ value: this.#take(), done: false });
    }
    if (this.#ended) return this.#finish();
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** The reader left its loop: nothing more is kept. */
  return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.#head = 0;
    this.end();
    this.#onReturn?.();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Itself: there is one reader. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The error is thrown once; after that the queue just ends. */
  #finish(): Promise<IteratorResult<T>> {
    const error = this.#error;
    this.#error = undefined;
    return error
      ? Promise.reject(error)
      : Promise.resolve({ value: undefined, done: true });
  }

  #take(): T {
    const item = this.#items[this.#head++]!;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    }
    return item;
  }
}
