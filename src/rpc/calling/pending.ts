/**
 * The calls that wait for a reply, by correlation id.
 *
 * @module
 */
import { Deadlines, type Expiring } from "../../async/deadlines.ts";
import { RpcError } from "../errors.ts";
import type { RpcReply } from "../messages.ts";
import type { CallbackQueue, Delivery, PublishListener } from "../transport.ts";
import { UniqueIds } from "../unique_ids.ts";
import { decodeReply } from "../wire.ts";
import { publishError } from "./failures.ts";

/** What is the same for all attempts of one call. */
export interface PendingTarget {
  readonly queue: string;
  /** When its time is up, on the clock of `nowMs()`. */
  readonly dueMs: number;
  /** What the caller allowed, for its error message. */
  readonly timeoutMs: number;
}

/** One waiting call; it ends once, in whatever way comes first. */
export class PendingCall implements PublishListener, Expiring {
  /** Its place in the table. */
  readonly count: number;
  readonly correlationId: string;
  readonly queue: string;
  /** Changes only for a stream. */
  dueMs: number;
  readonly timeoutMs: number;
  /** Whether the request was handed to the broker. */
  sent = false;
  readonly #table: PendingCalls;
  #resolve: ((reply: RpcReply) => void) | undefined;
  #reject: ((error: RpcError) => void) | undefined;
  #onEnd: (() => void) | undefined;

  /** Not in the table yet. */
  constructor(
    table: PendingCalls,
    target: PendingTarget,
    resolve?: (reply: RpcReply) => void,
    reject?: (error: RpcError) => void,
  ) {
    this.count = table.ids.next();
    this.correlationId = table.ids.idOf(this.count);
    this.queue = target.queue;
    this.dueMs = target.dueMs;
    this.timeoutMs = target.timeoutMs;
    this.#table = table;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Called once when the call ends, in whatever way. */
  set onEnd(callback: () => void) {
    this.#onEnd = callback;
  }

  /** A message came for it; for a call, but not for a stream, it is the reply. */
  receive(delivery: Delivery, _queue: CallbackQueue): void {
    this.#table.remove(this);
    this.end(decodeReply(delivery));
  }

  /** Whether it has more time than was thought. */
  extended(): boolean {
    return false;
  }

  /** Why its time is up, if that is known without asking the broker. */
  overdue(): RpcError | undefined {
    return undefined;
  }

  /** Whether it tells the server itself when nobody waits any more. */
  get cancelsItself(): boolean {
    return false;
  }

  /** Only for the table, which knows whether the call has ended already. */
  end(outcome: RpcReply | RpcError): void {
    this.#onEnd?.();
    if (!this.sent) this.#table.onUnsent(this);
    if (outcome instanceof RpcError) this.#reject?.(outcome);
    else this.#resolve?.(outcome);
    // A Map that has been rehashed keeps what it held before alive until the
    // next full garbage collection: the caller's promise must not hang on it.
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#onEnd = undefined;
    this.#table.ended();
  }

  /** The broker has the request; what counts is the reply. */
  confirmed(): void {}

  /** The broker does not have the request, as far as is known. */
  failed(error: RpcError): void {
    this.#table.unsent(this, error);
  }
}

/** Callbacks of the table. */
export interface PendingCallsHooks {
  /** The time of a call is up. It has left the table, and is to be ended. */
  onDeadline: (call: PendingCall) => void;
  /** The broker refused the request; the call ends with this error. */
  onRefused: (call: PendingCall) => void;
  /** The call ends before its request was sent. */
  onUnsent: (call: PendingCall) => void;
}

/**
 * The table of waiting calls. A call is registered before its request is
 * written and removed in every outcome; the first outcome wins.
 */
export class PendingCalls {
  /** The ids of the calls to come. */
  readonly ids: UniqueIds = new UniqueIds();
  /** By the count in their ids: a Map of numbers costs half of one of texts. */
  readonly #calls = new Map<number, PendingCall>();
  readonly #deadlines: Deadlines<PendingCall>;
  readonly #onRefused: (call: PendingCall) => void;
  /** See {@linkcode PendingCallsHooks}. */
  readonly onUnsent: (call: PendingCall) => void;
  #idle: PromiseWithResolvers<void> | undefined;

  /** None of its hooks may throw. */
  constructor({ onDeadline, onRefused, onUnsent }: PendingCallsHooks) {
    this.#onRefused = onRefused;
    this.onUnsent = onUnsent;
    this.#deadlines = new Deadlines(this.#calls, (call) => {
      if (call.extended()) return this.#deadlines.watch(call);
      this.#calls.delete(call.count);
      onDeadline(call);
    });
  }

  /** Resolves when no call waits. */
  idle(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    this.ended();
    return this.#idle.promise;
  }

  /** A call has ended. */
  ended(): void {
    if (this.#calls.size === 0) this.#idle?.resolve();
  }

  /** How many calls wait. */
  get size(): number {
    return this.#calls.size;
  }

  /** Registers a call. */
  add(call: PendingCall): void {
    this.#calls.set(call.count, call);
    this.#deadlines.watch(call);
  }

  /** The time of a call that waits is up earlier than it was. */
  hasten(call: PendingCall): void {
    this.#deadlines.watch(call);
  }

  /** Whether the call still waits. */
  has(correlationId: string): boolean {
    return this.find(correlationId) !== undefined;
  }

  /** Ends a call with its reply or error; false if it does not wait. */
  settle(
    correlationId: string | undefined,
    outcome: RpcReply | RpcError,
  ): boolean {
    const call = this.take(correlationId);
    call?.end(outcome);
    return call !== undefined;
  }

  /**
   * Removes a call, for the caller of this to end; undefined if it does not
   * wait.
   */
  take(correlationId: string | undefined): PendingCall | undefined {
    const call = this.find(correlationId);
    if (call !== undefined) this.remove(call);
    return call;
  }

  /** The call, which goes on waiting; undefined if it does not wait. */
  find(correlationId: string | undefined): PendingCall | undefined {
    if (correlationId === undefined) return undefined;
    const call = this.#calls.get(this.ids.countOf(correlationId));
    // A count may be written in several ways, and only one is the id.
    return call?.correlationId === correlationId ? call : undefined;
  }

  /** Removes a call, which then ends itself. */
  remove({ count }: PendingCall): void {
    this.#calls.delete(count);
  }

  /** Ends a call whose request the broker does not have. */
  unsent(call: PendingCall, error: RpcError): void {
    if (error.reason === "rejected") this.#onRefused(call);
    this.settle(call.correlationId, publishError(error));
  }

  /** Ends every call, each with an error of its own. */
  failAll(errorFor: (call: PendingCall) => RpcError): void {
    for (const call of [...this.#calls.values()]) {
      this.settle(call.correlationId, errorFor(call));
    }
    // The callers may have called again at once.
    if (this.#calls.size === 0) this.#deadlines.stop();
  }
}
