/**
 * Events for any number of listeners.
 *
 * @module
 */
import { AsyncQueue } from "./queue.ts";

/** Each reader gets the events from its call of `listen()` on. */
export class Broadcast<T> {
  readonly #readers = new Set<AsyncQueue<T>>();

  /** Sends an event to all current listeners. */
  emit(event: T): void {
    for (const reader of this.#readers) reader.push(event);
  }

  /**
   * The events from now on, until the reader leaves its loop, or `end()` is
   * called.
   */
  listen(): AsyncIterableIterator<T> {
    const reader = new AsyncQueue<T>(() => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  /** Ends all readers, once they have read what was sent. */
  end(): void {
    for (const reader of this.#readers) reader.end();
  }
}
