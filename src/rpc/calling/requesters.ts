/**
 * One requester at a time: opened with the first call, and again after each
 * loss.
 *
 * @module
 */
import { settled } from "../../async/delay.ts";
import { failure } from "../errors.ts";
import { isControl } from "../stream_wire.ts";
import type { ReturnedMessage, Transport } from "../transport.ts";
import { clientClosed, connectionLost, noQueue } from "./failures.ts";
import type { PendingCalls } from "./pending.ts";
import { Requester } from "./requester.ts";
import type { UnknownMessages } from "./unknown_messages.ts";

/** Opens requesters, and fails the calls of a requester that is lost. */
export class Requesters {
  readonly #transport: Transport;
  readonly #pending: PendingCalls;
  readonly #unknown: UnknownMessages;
  #current: Requester | undefined;
  #opening: Promise<Requester> | undefined;
  /** Aborted, and replaced, whenever another requester is open. */
  #reopened = new AbortController();
  #closed = false;

  /** Connects when a requester is wanted. */
  constructor(
    transport: Transport,
    pending: PendingCalls,
    unknown: UnknownMessages,
  ) {
    this.#transport = transport;
    this.#pending = pending;
    this.#unknown = unknown;
  }

  /** The live requester, if there is one. */
  get current(): Requester | undefined {
    return this.#current;
  }

  /** Whether there will be no more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Aborted when the next requester is open, or there will be no more. */
  get reopened(): AbortSignal {
    return this.#reopened.signal;
  }

  /** The live requester; if there is none, one is opened for all who wait. */
  open(): Promise<Requester> {
    if (this.#closed) return Promise.reject(clientClosed());
    if (this.#current) return Promise.resolve(this.#current);
    return this.#opening ??= this.#open().finally(() =>
      this.#opening = undefined
    );
  }

  async #open(): Promise<Requester> {
    const connection = await this.#transport.connection();
    const callbackQueue = await connection.openCallbackQueue((message) =>
      this.#onReturn(message, connection.vhost)
    );
    const requester = new Requester(connection, callbackQueue);
    if (this.#closed) {
      await requester.close();
      throw clientClosed();
    }
    this.#current = requester;
    this.#reopened.abort();
    this.#reopened = new AbortController();
    requester.read(this.#pending, this.#unknown)
      .catch((error) => this.#onLost(requester, error));
    return requester;
  }

  /** Runs before any call can use the next one: all sent calls are hit. */
  #onLost(requester: Requester, cause: unknown): void {
    this.#current = undefined;
    this.#pending.failAll((call) => connectionLost(cause, call.sent));
    // The connection may live on without the queue: nothing must be left
    // behind.
    void settled(requester.close());
  }

  #onReturn(message: ReturnedMessage, vhost: string): void {
    const { replyCode, replyText, routingKey, properties } = message;
    // Whatever a server that is gone was told: that its stream is silent tells.
    if (isControl(properties)) return;
    this.#pending.settle(
      properties.correlationId,
      noQueue(routingKey, vhost, ` (${replyCode} ${replyText})`),
    );
  }

  /** Fails all calls; the callback queue is deleted unless it is to be kept. */
  async close({ keepQueue = false }: { keepQueue?: boolean }): Promise<void> {
    this.#closed = true;
    const requester = this.#current;
    this.#current = undefined;
    this.#pending.failAll((call) =>
      failure("closed", "the client was closed", { maybeExecuted: call.sent })
    );
    // Calls that pause before they are sent again end now.
    this.#reopened.abort();
    if (!keepQueue) await requester?.close();
  }
}
