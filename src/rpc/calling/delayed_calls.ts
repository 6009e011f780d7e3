/**
 * Calls that can't be sent at once: there is no connection or it is blocked, a
 * server has to be looked for, or they are suspects, which are sent one at a
 * time.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import type { Call } from "./call.ts";
import { absenceOf, overloaded, unknownServer } from "./failures.ts";
import type { Inspections } from "./inspections.ts";
import type { PendingCall, PendingCalls } from "./pending.ts";
import type { Requester } from "./requester.ts";
import type { Requesters } from "./requesters.ts";
import { Trials } from "./trial.ts";

/** How many bytes of requests may wait before calls fail instead. */
export const MAX_UNSENT_BYTES = 64 * 1024 * 1024;

/** Whether a request can be sent over this connection now. */
export function isReady({ connection }: Requester, { trial }: Call): boolean {
  return connection.unblocked === undefined && !trial?.suspect;
}

/**
 * Sends calls as soon as that is possible, in the order in which they were
 * made. The size of the waiting bodies is limited; a call that ends releases
 * its own.
 */
export class DelayedCalls {
  readonly #pending: PendingCalls;
  readonly #requesters: Requesters;
  readonly #inspections: Inspections;
  readonly #maxBytes: number;
  readonly #trials = new Trials();
  readonly #waiting = new Map<PendingCall, Call>();
  /** Those of them that only wait for the connection to be unblocked. */
  readonly #ready = new Set<PendingCall>();
  #bytes = 0;
  /** The one that they wait for. */
  #blocked: Requester | undefined;

  /** `maxBytes` limits the waiting bodies; a single one may be larger. */
  constructor(
    pending: PendingCalls,
    requesters: Requesters,
    inspections: Inspections,
    maxBytes = MAX_UNSENT_BYTES,
  ) {
    this.#pending = pending;
    this.#requesters = requesters;
    this.#inspections = inspections;
    this.#maxBytes = maxBytes;
  }

  /**
   * Sends a call later.
   *
   * @throws {RpcError} `overloaded` if too much waits already.
   */
  add(pending: PendingCall, call: Call): void {
    const requester = this.#requesters.current;
    if (requester && !call.options.requireConsumer) {
      return this.#send(requester, pending, call);
    }
    this.#keep(pending, call);
    void this.#prepare(pending);
  }

  /** Releases a call; undefined if it does not wait. */
  take(pending: PendingCall): Call | undefined {
    const call = this.#waiting.get(pending);
    if (call === undefined) return undefined;
    this.#waiting.delete(pending);
    this.#ready.delete(pending);
    this.#bytes -= call.body.length;
    return call;
  }

  #keep(pending: PendingCall, call: Call, obstacle?: string): void {
    const bytes = this.#bytes + call.body.length;
    if (bytes > this.#maxBytes && this.#bytes > 0) {
      throw overloaded("requests", this.#bytes, obstacle);
    }
    this.#bytes = bytes;
    this.#waiting.set(pending, call);
  }

  /** Does not hold on to the body: the call may be over by then. */
  async #prepare(pending: PendingCall): Promise<void> {
    try {
      const requester = await this.#requesters.open();
      if (this.#waiting.get(pending)?.options.requireConsumer) {
        await this.#findServer(requester, pending.queue);
      }
      const call = this.take(pending);
      if (call === undefined) return;
      if (isReady(requester, call)) requester.send(pending, call);
      else this.#send(requester, pending, call);
    } catch (error) {
      this.#fail(pending, RpcError.from(error));
    }
  }

  async #findServer(requester: Requester, queue: string): Promise<void> {
    const { connection } = requester;
    const asked = () => Promise.resolve(connection);
    const info = await this.#inspections.inspect(queue, {}, asked)
      .catch((error) => {
        throw unknownServer(queue, error);
      });
    const absence = absenceOf(queue, info, connection.vhost);
    if (absence !== undefined) throw absence;
  }

  #send(requester: Requester, pending: PendingCall, call: Call): void {
    const { trial } = call;
    if (!trial?.suspect) return this.#sendUnblocked(requester, pending, call);
    this.#trials.enter(trial, () => {
      const waits = this.#pending.has(pending.correlationId);
      if (waits) this.#sendUnblocked(requester, pending, call);
      return waits;
    }, (error) => this.#fail(pending, error));
  }

  #sendUnblocked(
    requester: Requester,
    pending: PendingCall,
    call: Call,
  ): void {
    const { unblocked, obstacle } = requester.connection;
    if (unblocked === undefined) return requester.send(pending, call);
    this.#keep(pending, call, obstacle);
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

  #fail({ correlationId }: PendingCall, error: RpcError): void {
    this.#pending.settle(correlationId, error);
  }
}
