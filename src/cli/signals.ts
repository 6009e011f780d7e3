/**
 * The signals that stop the program: SIGINT, SIGTERM, and SIGHUP when its
 * terminal is closed.
 *
 * @module
 */
import { EXIT } from "./exit_status.ts";
import { isHangUpIgnored } from "./hang_up.ts";

/** Calls back for each of these signals, with how many there were so far. */
export function onStopSignal(
  callback: (times: number, signal: Deno.Signal) => void,
): Disposable {
  let times = 0;
  const stop = (signal: Deno.Signal) => callback(++times, signal);
  const listeners: [Deno.Signal, () => void][] = [
    ["SIGINT", () => stop("SIGINT")],
    ["SIGTERM", () => stop("SIGTERM")],
    // Listened to even if ignored: once there are other listeners, Deno ends
    // the program at a SIGHUP that has none.
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

/** The exit status of a program that such a signal has stopped. */
export function stoppedStatus(signal: Deno.Signal): number {
  return signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
}
