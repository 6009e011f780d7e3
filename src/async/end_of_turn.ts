/**
 * The end of a turn of the event loop.
 *
 * @module
 */
import process from "node:process";

/**
 * Calls back when all microtasks have run, those too that are not asked for
 * yet: every step of an async iterator is one. (A tick that is asked for in a
 * microtask comes when no other is left; `setImmediate` takes more than 1 ms
 * before Deno 2.6.)
 */
export function afterMicrotasks(callback: () => void): void {
  queueMicrotask(() => process.nextTick(callback));
}

/** Resolves when all microtasks have run: what was to be written then is. */
export function endOfTurn(): Promise<void> {
  return new Promise(afterMicrotasks);
}
