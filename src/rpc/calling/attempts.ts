/**
 * Attempts: each is one request, and what becomes of it.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import type { RpcReply } from "../messages.ts";
import type { Transport } from "../transport.ts";
import type { Call } from "./call.ts";
import { Cancellations } from "./cancellations.ts";
import { DelayedCalls, isReady } from "./delayed_calls.ts";
import { clientClosed } from "./failures.ts";
import { Inspections } from "./inspections.ts";
import { PendingCall, PendingCalls } from "./pending.ts";
import { Requesters } from "./requesters.ts";
import type { UnknownMessages } from "./unknown_messages.ts";
import { whyNoReply } from "./why_no_reply.ts";

/** Sends requests, now or as soon as they can be sent. */
export class Attempts {
  readonly pending: PendingCalls = new PendingCalls({
    onDeadline: (call) => void this.#onDeadline(call),
    onRefused: ({ queue }) => this.requesters.current?.doubt(queue),
    onUnsent: (call) => this.#delayed.take(call),
  });
  readonly inspections: Inspections = new Inspections();
  readonly requesters: Requesters;
  readonly cancellations: Cancellations;
  readonly #delayed: DelayedCalls;

  /** Connects when the first is made. */
  constructor(
    transport: Transport,
    unknown: UnknownMessages,
    maxUnsentBytes?: number,
  ) {
    this.requesters = new Requesters(transport, this.pending, unknown);
    this.cancellations = new Cancellations(this.pending, this.requesters);
    this.#delayed = new DelayedCalls(
      this.pending,
      this.requesters,
      this.inspections,
      maxUnsentBytes,
    );
  }

  /** One request and its outcome. */
  make(call: Call): Promise<RpcReply> {
    return new Promise((resolve, reject) => {
      if (this.requesters.closed) return reject(clientClosed());
      this.submit(new PendingCall(this.pending, call, resolve, reject), call);
    });
  }

  /** Registers a call before its request is written, now or later. */
  submit(pending: PendingCall, call: Call): void {
    const { requireConsumer, signal } = call.options;
    if (signal && !this.cancellations.watch(signal, pending)) return;
    call.attempts?.push(pending);
    this.pending.add(pending);
    const requester = this.requesters.current;
    try {
      if (requester && !requireConsumer && isReady(requester, call)) {
        requester.send(pending, call);
      } else this.#delayed.add(pending, call);
    } catch (error) {
      this.pending.settle(pending.correlationId, RpcError.from(error));
    }
  }

  /** Rejects a call whose time is up, and says why if that is known. */
  async #onDeadline(call: PendingCall): Promise<void> {
    const known = call.overdue();
    if (known) return call.end(known);
    const requester = this.requesters.current;
    if (call.sent) requester?.doubt(call.queue);
    const connection = requester?.connection;
    call.end(await whyNoReply(call, connection, this.inspections));
  }
}
