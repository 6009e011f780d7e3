// Many calls that one signal cancels.

import assert from "node:assert/strict";
import { SharedSignals } from "../../../src/rpc/calling/shared_signals.ts";

/** How many listeners a signal has now. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    count++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    count--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return () => count;
}

Deno.test("an abort is told to all that were added, and are still there", () => {
  const told: [string, unknown][] = [];
  const signals = new SharedSignals<string>((item, signal) =>
    told.push([item, signal.reason])
  );
  const [one, other] = [new AbortController(), new AbortController()];
  for (const item of ["a", "b", "c"]) signals.add(one.signal, item);
  signals.add(other.signal, "d");
  signals.delete(one.signal, "b");
  one.abort("over");
  assert.deepEqual(told, [["a", "over"], ["c", "over"]]);
});

Deno.test("an item may go while an abort is told", () => {
  const controller = new AbortController();
  const { signal } = controller;
  const told: string[] = [];
  const signals = new SharedSignals<string>((item) => {
    told.push(item);
    signals.delete(signal, item);
  });
  for (const item of ["a", "b"]) signals.add(signal, item);
  controller.abort();
  assert.deepEqual(told, ["a", "b"]);
});

Deno.test("a signal has one listener, and none when nobody waits", () => {
  const { signal } = new AbortController();
  const listeners = countListeners(signal);
  const signals = new SharedSignals<string>(() => {});
  for (let round = 0; round < 2; round++) {
    signals.add(signal, "a");
    signals.add(signal, "b");
    assert.equal(listeners(), 1);
    signals.delete(signal, "a");
    assert.equal(listeners(), 1);
    signals.delete(signal, "b");
    assert.equal(listeners(), 0);
  }
});
