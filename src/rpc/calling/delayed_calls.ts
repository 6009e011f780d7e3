/**
 * Calls that can't be sent at once: there is no connection yet or it takes
 * nothing, a server has to be looked for, or suspects are sent one at a time.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import type { Call } from "./call.ts";
import { absenceOf, unknownServer } from "./failures.ts";
import type { Inspections } from "./inspections.ts";
import { Outbox } from "./outbox.ts";
import type { PendingCall, PendingCalls } from "./pending.ts";
import type { Requester } from "./requester.ts";
import type { Requesters } from "./requesters.ts";
import { Trials } from "./trial.ts";

/** Whether a call can be sent over this connection now. */
export function canSend({ connection }: Requester, call: Call): boolean {
  return connection.unblocked === undefined && !call.trial?.suspect &&
    !call.options.requireConsumer;
}

/** Sends calls as soon as that is possible. */
export class DelayedCalls {
  readonly #pending: PendingCalls;
  readonly #requesters: Requesters;
  readonly #inspections: Inspections;
  readonly #outbox: Outbox;
  readonly #trials = new Trials();

  /** `maxBytes` bounds the bodies that wait; a single one may be larger. */
  constructor(
    pending: PendingCalls,
    requesters: Requesters,
    inspections: Inspections,
    maxBytes: number | undefined,
  ) {
    this.#pending = pending;
    this.#requesters = requesters;
    this.#inspections = inspections;
    this.#outbox = new Outbox(maxBytes);
  }

  /**
   * Sends a call later.
   *
   * @throws {RpcError} `overloaded` where too much waits already.
   */
  add(pending: PendingCall, call: Call): void {
    const requester = this.#requesters.current;
    if (requester && !call.options.requireConsumer) {
      return this.#send(requester, pending, call);
    }
    this.#outbox.add(pending, call);
    void this.#prepare(pending);
  }

  /** Lets go of a call that is over. */
  delete(pending: PendingCall): void {
    this.#outbox.take(pending);
  }

  /** Does not hold on to the body: the call may be over by then. */
  async #prepare(pending: PendingCall): Promise<void> {
    try {
      const requester = await this.#requesters.open();
      const { requireConsumer } = this.#outbox.optionsOf(pending) ?? {};
      if (requireConsumer) await this.#findServer(requester, pending.queue);
      const call = this.#outbox.take(pending);
      if (call) this.#send(requester, pending, call);
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
    if (!trial?.suspect) return this.#outbox.send(requester, pending, call);
    this.#trials.enter(trial, () => {
      const waits = this.#pending.has(pending.correlationId);
      if (waits) this.#outbox.send(requester, pending, call);
      return waits;
    }, (error) => this.#fail(pending, error));
  }

  #fail({ correlationId }: PendingCall, error: RpcError): void {
    this.#pending.settle(correlationId, error);
  }
}
