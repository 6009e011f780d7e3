/**
 * One timer for any number of deadlines.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "./limits.ts";

/** Something that must be over by a point in time. */
export interface Expiring {
  /** In ms since the epoch. */
  readonly deadlineMs: number;
}

/**
 * Calls `onExpire` once for every item whose deadline has passed.
 *
 * Adding and deleting are set operations. The timer is armed for the earliest
 * deadline seen since it last fired, and only then are all items looked at:
 * calls that end in time, as nearly all do, never touch a timer.
 */
export class Deadlines<T extends Expiring> {
  readonly #items = new Set<T>();
  readonly #onExpire: (item: T) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #armedForMs = Infinity;

  /** `onExpire` runs after the item was removed; it must not throw. */
  constructor(onExpire: (item: T) => void) {
    this.#onExpire = onExpire;
  }

  /** Items whose deadline has not passed. */
  get size(): number {
    return this.#items.size;
  }

  /** Watches an item. */
  add(item: T): void {
    this.#items.add(item);
    if (item.deadlineMs < this.#armedForMs) this.#arm(item.deadlineMs);
  }

  /** Forgets an item. */
  delete(item: T): void {
    this.#items.delete(item);
  }

  /** Forgets all items and stops the timer. */
  clear(): void {
    this.#items.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedForMs = Infinity;
  }

  #arm(atMs: number): void {
    clearTimeout(this.#timer);
    this.#armedForMs = atMs;
    const delayMs = Math.min(Math.max(atMs - Date.now(), 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#sweep(), delayMs);
  }

  #sweep(): void {
    const nowMs = Date.now();
    this.#armedForMs = Infinity;
    let nextMs = Infinity;
    for (const item of this.#items) {
      if (item.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, item.deadlineMs);
        continue;
      }
      this.#items.delete(item);
      this.#onExpire(item);
    }
    if (nextMs < this.#armedForMs) this.#arm(nextMs);
  }
}
