/**
 * Calls that are not sent yet: there is no connection, or it takes nothing
 * for now.
 *
 * @module
 */
import type { Call } from "./call.ts";
import type { CallOptions } from "./call_options.ts";
import { overloaded } from "./failures.ts";
import type { PendingCall } from "./pending.ts";
import type { Requester } from "./requester.ts";

/** What a connection may owe before calls wait no longer, but fail. */
export const MAX_UNSENT_BYTES = 64 * 1024 * 1024;

/**
 * Sends calls in the order in which they were made, once that is possible. The
 * bodies that wait are bounded, and one whose call is over is let go.
 */
export class Outbox {
  readonly #maxBytes: number;
  readonly #waiting = new Map<PendingCall, Call>();
  /** Of these, the ones that wait for nothing but the connection. */
  readonly #ready = new Set<PendingCall>();
  #bytes = 0;
  /** The one that is waited for. */
  #blocked: Requester | undefined;

  /** Holds up to so many bytes of bodies; a single body may be larger. */
  constructor(maxBytes = MAX_UNSENT_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Keeps a call until it is sent, or over.
   *
   * @throws {RpcError} where too much waits already.
   */
  add(pending: PendingCall, call: Call, obstacle?: string): void {
    const bytes = this.#bytes + call.body.length;
    if (bytes > this.#maxBytes && this.#bytes > 0) {
      throw overloaded("requests", this.#bytes, obstacle);
    }
    this.#bytes = bytes;
    this.#waiting.set(pending, call);
  }

  /** Lets go of a call; undefined where it does not wait. */
  take(pending: PendingCall): Call | undefined {
    const call = this.#waiting.get(pending);
    if (call === undefined) return undefined;
    this.#waiting.delete(pending);
    this.#ready.delete(pending);
    this.#bytes -= call.body.length;
    return call;
  }

  /** How a call that waits is to be made. */
  optionsOf(pending: PendingCall): CallOptions | undefined {
    return this.#waiting.get(pending)?.options;
  }

  /** Sends a call, now or when the connection takes it. */
  send(requester: Requester, pending: PendingCall, call: Call): void {
    const { unblocked, obstacle } = requester.connection;
    if (unblocked === undefined) return requester.send(pending, call);
    this.add(pending, call, obstacle);
    this.#ready.add(pending);
    if (this.#blocked === requester) return;
    this.#blocked = requester;
    unblocked.then(() => this.#resume(requester));
  }

  #resume(requester: Requester): void {
    // A connection that is lost is not blocked any more, either.
    if (this.#blocked !== requester || requester.isLost) return;
    for (const pending of this.#ready) {
      const { unblocked } = requester.connection;
      if (unblocked) return void unblocked.then(() => this.#resume(requester));
      requester.send(pending, this.take(pending)!);
    }
    this.#blocked = undefined;
  }
}
