/**
 * Calls whose request may be what the broker closes connections for.
 *
 * @module
 */
import { waitAtMost } from "../../async/delay.ts";
import { closedByBroker, RpcError } from "../errors.ts";
import type { PublishListener } from "../transport.ts";

/** How long a suspect may keep others waiting. */
const CONFIRM_MS = 5_000;

/**
 * What is known about one call that is sent again. A broker that closes a
 * connection does not say for which message. So all unconfirmed requests are
 * suspects, and are sent one at a time. If the broker closes another connection
 * for one of them, it is not sent a third time.
 */
export class Trial {
  #suspect = false;
  #settled: PromiseWithResolvers<void> | undefined;

  /** Whether it has to be sent alone. */
  get suspect(): boolean {
    return this.#suspect;
  }

  /** Resolves when the broker has confirmed what is sent now, or failed. */
  get settled(): Promise<void> {
    this.#settled ??= Promise.withResolvers();
    return this.#settled.promise;
  }

  /** Watches what becomes of a request, and passes it on to its call. */
  watch(listener: PublishListener): PublishListener {
    const { resolve } = this.#settled ??= Promise.withResolvers();
    return {
      confirmed: () => {
        this.#suspect = false;
        this.#settled = undefined;
        resolve();
        listener.confirmed();
      },
      failed: (error) => {
        listener.failed(error);
        resolve();
      },
    };
  }

  /** Whether the call may be sent again after an attempt ended like this. */
  survived(error: RpcError): boolean {
    const wasInFlight = this.#settled !== undefined && error.maybeExecuted;
    this.#settled = undefined;
    if (!wasInFlight || !closedByBroker(error)) return true;
    if (this.#suspect) return false;
    this.#suspect = true;
    return true;
  }
}

/** Sends suspects one at a time. */
export class Trials {
  #last: Promise<void> = Promise.resolve();

  /** Sends a request, if it is still wanted, when those before are settled. */
  enter(
    trial: Trial,
    send: () => boolean,
    onFailed: (error: RpcError) => void,
  ): void {
    const sending = this.#last.then(async () => {
      const { settled } = trial;
      if (send()) await waitAtMost(CONFIRM_MS, settled);
    });
    this.#last = sending.catch((error) => onFailed(RpcError.from(error)));
  }
}
