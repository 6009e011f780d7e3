/**
 * Signals, counted: the second one means business.
 *
 * @module
 */

/** Calls back with how many of these signals came so far. */
export function onSignal(
  signals: Deno.Signal[],
  callback: (times: number, signal: Deno.Signal) => void,
): Disposable {
  let times = 0;
  const listeners = signals.map((signal) => {
    const listener = () => callback(++times, signal);
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    [Symbol.dispose]() {
      for (const { signal, listener } of listeners) {
        Deno.removeSignalListener(signal, listener);
      }
    },
  };
}
