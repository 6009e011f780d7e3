/**
 * The calls that wait for a reply, by correlation id.
 *
 * @module
 */
import { Deadlines } from "./deadlines.ts";
import { RpcError } from "./errors.ts";
import type { RpcReply } from "./wire.ts";

/** One waiting call; it ends once, in whatever way comes first. */
export interface PendingCall {
  readonly correlationId: string;
  readonly queue: string;
  /** In ms since the epoch. */
  readonly deadlineMs: number;
  /** What the caller allowed, for its error message. */
  readonly timeoutMs: number;
  /** Whether the request was handed to the broker. */
  sent: boolean;
  resolve(reply: RpcReply): void;
  reject(error: RpcError): void;
}

/**
 * The table of waiting calls. A call is registered before its request is
 * written and removed in every outcome; the first outcome wins.
 */
export class PendingCalls {
  readonly #calls = new Map<string, PendingCall>();
  readonly #deadlines: Deadlines<PendingCall>;

  /** `onDeadline` gets calls that have been removed, to reject them. */
  constructor(onDeadline: (call: PendingCall) => void) {
    this.#deadlines = new Deadlines((call) => {
      this.#calls.delete(call.correlationId);
      onDeadline(call);
    });
  }

  /** How many calls wait. */
  get size(): number {
    return this.#calls.size;
  }

  /** Registers a call. */
  add(call: PendingCall): void {
    this.#calls.set(call.correlationId, call);
    this.#deadlines.add(call);
  }

  /** Whether the call still waits. */
  has(correlationId: string): boolean {
    return this.#calls.has(correlationId);
  }

  /** Ends a call with its reply or error; false where it does not wait. */
  settle(
    correlationId: string | undefined,
    outcome: RpcReply | RpcError,
  ): boolean {
    if (correlationId === undefined) return false;
    const call = this.#calls.get(correlationId);
    if (call === undefined) return false;
    this.#calls.delete(correlationId);
    this.#deadlines.delete(call);
    if (outcome instanceof RpcError) call.reject(outcome);
    else call.resolve(outcome);
    return true;
  }

  /** Ends every call, each with an error of its own. */
  failAll(errorFor: (call: PendingCall) => RpcError): void {
    for (const call of [...this.#calls.values()]) {
      this.settle(call.correlationId, errorFor(call));
    }
    // Whoever hears of a failure may call again at once.
    if (this.#calls.size === 0) this.#deadlines.clear();
  }
}
