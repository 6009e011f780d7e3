/**
 * Calls that were canceled before their requests came: the cancel message
 * overtakes what still waits in the queue.
 *
 * @module
 */

const MAX_COUNT = 10_000;

/**
 * Correlation ids, bounded by count: the oldest are forgotten first. Every
 * server of a queue is told of every canceled call, and most never see its
 * request.
 */
export class CanceledIds {
  readonly #ids = new Set<string>();

  /** Remembers an id. */
  add(id: string): void {
    this.#ids.add(id);
    if (this.#ids.size <= MAX_COUNT) return;
    const [oldest] = this.#ids;
    this.#ids.delete(oldest!);
  }

  /** Removes an id; false if it was not there. */
  take(id: string): boolean {
    // Usually there are none; then the id need not be hashed.
    return this.#ids.size > 0 && this.#ids.delete(id);
  }
}
