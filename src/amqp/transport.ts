/**
 * The reconnecting connection: one live link at a time, to whichever broker
 * answers first.
 *
 * @module
 */
import { backoffMs } from "../rpc/backoff.ts";
import { delay } from "../rpc/delay.ts";
import { RpcError } from "../rpc/errors.ts";
import type { LinkOptions, Transport } from "../rpc/transport.ts";
import { AmqpLink } from "./link.ts";
import { brokerName, type ConnectSettings } from "./options.ts";

/** A Transport over AMQP 0-9-1. */
export class AmqpTransport implements Transport {
  readonly #settings: ConnectSettings;
  readonly #closing = new AbortController();
  #link: AmqpLink | undefined;
  #connecting: Promise<AmqpLink> | undefined;

  /** Connects when a link is asked for. */
  constructor(settings: ConnectSettings) {
    this.#settings = settings;
  }

  /** The live connection, or a new one. */
  async link(options: LinkOptions = {}): Promise<AmqpLink> {
    const { patient = false, signal } = options;
    for (let attempt = 1;; attempt++) {
      signal?.throwIfAborted();
      try {
        return await this.#currentLink();
      } catch (error) {
        if (!patient || !isUnreachable(error)) throw error;
        const retryInMs = backoffMs(attempt);
        this.#settings.onEvent({ type: "unreachable", error, retryInMs });
        const ended = signal
          ? AbortSignal.any([signal, this.#closing.signal])
          : this.#closing.signal;
        await delay(retryInMs, ended);
      }
    }
  }

  /** Closes the connection; no other is made. */
  async close(): Promise<void> {
    this.#closing.abort(closedError());
    await this.#link?.close();
  }

  /** The same as {@linkcode AmqpTransport.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #currentLink(): Promise<AmqpLink> {
    if (this.#closing.signal.aborted) return Promise.reject(closedError());
    if (this.#link) return Promise.resolve(this.#link);
    this.#connecting ??= this.#connect().finally(() =>
      this.#connecting = undefined
    );
    return this.#connecting;
  }

  /** Tries each broker once; the first error that is a refusal, or the last. */
  async #connect(): Promise<AmqpLink> {
    let failure: unknown;
    for (const broker of this.#settings.brokers) {
      try {
        const { signal } = this.#closing;
        const link = await AmqpLink.open(broker, this.#settings, signal);
        this.#adopt(link, brokerName(broker));
        return link;
      } catch (error) {
        if (failure === undefined || isUnreachable(failure)) failure = error;
      }
    }
    throw failure;
  }

  #adopt(link: AmqpLink, broker: string): void {
    this.#link = link;
    this.#settings.onEvent({ type: "connected", broker });
    link.lost.then((error) => {
      this.#link = undefined;
      if (this.#closing.signal.aborted) return;
      this.#settings.onEvent({ type: "lost", broker, error });
    });
  }
}

function isUnreachable(error: unknown): error is RpcError {
  return error instanceof RpcError && error.reason === "broker_unreachable";
}

function closedError(): RpcError {
  return new RpcError("canceled", "the connection was closed", {
    reason: "closed",
  });
}
