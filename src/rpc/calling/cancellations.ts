/**
 * Cancels calls whose signal is aborted.
 *
 * @module
 */
import { settled } from "../../async/delay.ts";
import { canceledError } from "./failures.ts";
import type { PendingCall, PendingCalls } from "./pending.ts";
import type { Requesters } from "./requesters.ts";
import { SharedSignals } from "./shared_signals.ts";

/** Cancels calls, here and on the server that runs them. */
export class Cancellations {
  readonly #pending: PendingCalls;
  readonly #requesters: Requesters;
  readonly #signals = new SharedSignals<PendingCall>((call, signal) =>
    this.#cancel(call, signal)
  );

  /** Watches no signal yet. */
  constructor(pending: PendingCalls, requesters: Requesters) {
    this.#pending = pending;
    this.#requesters = requesters;
  }

  /** Cancels the call when the signal is aborted; false if it is already. */
  watch(signal: AbortSignal, call: PendingCall): boolean {
    if (signal.aborted) {
      call.end(canceledError(signal, false));
      return false;
    }
    this.#signals.add(signal, call);
    call.onEnd = () => this.#signals.delete(signal, call);
    return true;
  }

  /** Tells whoever runs a request, or is about to, that nobody waits for it. */
  tell({ correlationId, queue, sent }: PendingCall): void {
    const requester = this.#requesters.current;
    if (!sent || requester === undefined) return;
    // That it goes on after all is no error.
    void settled(requester.connection.cancelCall(queue, correlationId));
  }

  #cancel(call: PendingCall, signal: AbortSignal): void {
    const { correlationId, queue, sent } = call;
    const error = canceledError(signal, sent);
    const waited = this.#pending.settle(correlationId, error);
    if (!waited || call.cancelsItself) return;
    if (sent) this.#requesters.current?.doubt(queue);
    this.tell(call);
  }
}
