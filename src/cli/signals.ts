/**
 * Signals that tell the program to stop, counted: the second one means
 * business. That its terminal is closed (SIGHUP) is such a signal.
 *
 * @module
 */
import { EXIT } from "./exit_status.ts";
import { isHangUpIgnored } from "./hang_up.ts";

/** Calls back with how many of these signals came so far. */
export function onStopSignal(
  callback: (times: number, signal: Deno.Signal) => void,
): Disposable {
  let times = 0;
  const stop = (signal: Deno.Signal) => callback(++times, signal);
  const listeners: [Deno.Signal, () => void][] = [
    ["SIGINT", () => stop("SIGINT")],
    ["SIGTERM", () => stop("SIGTERM")],
    // Listened to in any case: once there are listeners, Deno ends the program
    // by a SIGHUP that nobody listens to, ignored or not.
    ["SIGHUP", async () => await isHangUpIgnored() || stop("SIGHUP")],
  ];
  for (const [signal, listener] of listeners) {
    Deno.addSignalListener(signal, listener);
  }
  return {
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) {
        Deno.removeSignalListener(signal, listener);
      }
    },
  };
}

/** The exit status of what such a signal has stopped. */
export function stoppedStatus(signal: Deno.Signal): number {
  return signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
}
