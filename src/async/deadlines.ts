/**
 * One timer for any number of deadlines.
 *
 * @module
 */

import { nowMs } from "./clock.ts";
import { timerMs } from "./timers.ts";

/** Something that must be over by a point in time. */
export interface Expiring {
  /** On the clock of `nowMs()`. */
  readonly dueMs: number;
}

/** Deadlines of the same span fall on so many points of time within it. */
const POINTS = 16;

/**
 * A deadline this long from now, or a little later: many items whose deadlines
 * move on again and again are so looked at together.
 */
export function coarseDueMs(spanMs: number, fromMs: number = nowMs()): number {
  if (spanMs === Infinity) return Infinity;
  const stepMs = spanMs / POINTS;
  return Math.ceil((fromMs + spanMs) / stepMs) * stepMs;
}

/** What is watched: a Map's values, or a Set's. */
export interface Watched<T> {
  values(): IterableIterator<T>;
}

/**
 * Calls `onExpire` once for every item of a collection whose deadline has
 * passed.
 *
 * The timer is armed for the earliest deadline seen since it last fired, and
 * only then are all items looked at: calls that end in time, as nearly all do,
 * touch neither a timer nor a list of deadlines.
 */
export class Deadlines<T extends Expiring> {
  readonly #items: Watched<T>;
  readonly #onExpire: (item: T) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #armedForMs = Infinity;

  /**
   * `onExpire` removes the item from the collection; it must not throw. An
   * item that was removed by others is not watched any more.
   */
  constructor(items: Watched<T>, onExpire: (item: T) => void) {
    this.#items = items;
    this.#onExpire = onExpire;
  }

  /** Watches an item that was added to the collection. */
  watch(item: T): void {
    if (item.dueMs < this.#armedForMs) this.#arm(item.dueMs);
  }

  /** Stops the timer, until there is something to watch again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedForMs = Infinity;
  }

  #arm(atMs: number): void {
    clearTimeout(this.#timer);
    this.#armedForMs = atMs;
    this.#timer = setTimeout(() => this.#sweep(), timerMs(atMs - nowMs()));
  }

  #sweep(): void {
    const sweptMs = nowMs();
    this.#armedForMs = Infinity;
    let nextMs = Infinity;
    for (const item of this.#items.values()) {
      if (item.dueMs > sweptMs) nextMs = Math.min(nextMs, item.dueMs);
      else this.#onExpire(item);
    }
    if (nextMs < this.#armedForMs) this.#arm(nextMs);
  }
}
