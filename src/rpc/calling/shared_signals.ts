/**
 * One listener for each signal, however many calls share it: a signal looks
 * through its listeners whenever one is added or removed.
 *
 * @module
 */

/** Who waits for one signal. */
interface Watch<T> {
  readonly items: Set<T>;
  readonly onAbort: () => void;
}

/** Calls back for each item when the signal that it was added with aborts. */
export class SharedSignals<T> {
  readonly #watches = new Map<AbortSignal, Watch<T>>();
  readonly #onAbort: (item: T, signal: AbortSignal) => void;

  /** `onAbort` may delete items, its own too; it must not throw. */
  constructor(onAbort: (item: T, signal: AbortSignal) => void) {
    this.#onAbort = onAbort;
  }

  /** Watches a signal that is not aborted yet. */
  add(signal: AbortSignal, item: T): void {
    const watch = this.#watches.get(signal) ?? this.#watch(signal);
    watch.items.add(item);
  }

  /** Nothing is left at a signal that has no items any more. */
  delete(signal: AbortSignal, item: T): void {
    const watch = this.#watches.get(signal);
    if (!watch?.items.delete(item) || watch.items.size > 0) return;
    this.#watches.delete(signal);
    signal.removeEventListener("abort", watch.onAbort);
  }

  #watch(signal: AbortSignal): Watch<T> {
    const items = new Set<T>();
    const onAbort = () => {
      this.#watches.delete(signal);
      for (const item of items) this.#onAbort(item, signal);
    };
    const watch = { items, onAbort };
    this.#watches.set(signal, watch);
    signal.addEventListener("abort", onAbort, { once: true });
    return watch;
  }
}
