/**
 * Tells events to whoever listens.
 *
 * @module
 */
import { AsyncQueue } from "./queue.ts";

/** Events for any number of readers, each from its own start on. */
export class Broadcast<T> {
  readonly #readers = new Set<AsyncQueue<T>>();

  /** Tells all who listen now. */
  emit(event: T): void {
    for (const reader of this.#readers) reader.push(event);
  }

  /** Listens from now on, until the reader leaves its loop or all is over. */
  listen(): AsyncIterableIterator<T> {
    const reader = new AsyncQueue<T>(() => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  /** Ends all readers, after what they have been told. */
  end(): void {
    for (const reader of this.#readers) reader.end();
  }
}
