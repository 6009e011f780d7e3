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

const [major = 0, minor = 0] = (process.versions.deno ?? "99").split(".")
  .map(Number);
/** Whether a turn of the event loop takes microseconds: it does elsewhere. */
const QUICK_TURNS = major > 2 || minor >= 6;

/**
 * Calls back when what has come in meanwhile was dealt with: in the next turn
 * of the event loop, or after the microtasks where a turn takes too long.
 */
export function afterTurn(callback: () => void): void {
  if (QUICK_TURNS) setImmediate(callback);
  else afterMicrotasks(callback);
}
