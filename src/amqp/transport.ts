/**
 * The reconnecting connection: one live link at a time, to whichever broker
 * answers first.
 *
 * @module
 */
import { backoffMs } from "../async/backoff.ts";
import { Broadcast } from "../async/broadcast.ts";
import { delay } from "../async/delay.ts";
import { RpcError } from "../rpc/errors.ts";
import { isUnconnected } from "../rpc/failures.ts";
import type {
  ConnectionEvent,
  LinkOptions,
  Transport,
} from "../rpc/transport.ts";
import { AmqpLink } from "./link.ts";
import { brokerName, type ConnectSettings } from "./options.ts";

/**
 * How long a refused login may be mended by another password, in ms: what
 * renews a password at the broker may be faster than what renews our file.
 */
const RENEWAL_MS = 120_000;

/** A Transport over AMQP 0-9-1. */
export class AmqpTransport implements Transport {
  readonly #settings: ConnectSettings;
  readonly #closing = new AbortController();
  readonly #events = new Broadcast<ConnectionEvent>();
  #link: AmqpLink | undefined;
  #connecting: Promise<AmqpLink> | undefined;
  #closed: Promise<void> | undefined;
  #wasConnected = false;

  /** Connects when a link is asked for. */
  constructor(settings: ConnectSettings) {
    this.#settings = {
      ...settings,
      onEvent: (event) => {
        settings.onEvent(event);
        this.#events.emit(event);
      },
    };
  }

  /** The live connection, or a new one. */
  async link(options: LinkOptions = {}): Promise<AmqpLink> {
    const { patient = false, signal } = options;
    let refusedAtMs: number | undefined;
    for (let attempt = 1;; attempt++) {
      signal?.throwIfAborted();
      try {
        return await this.#currentLink();
      } catch (error) {
        if (!patient || !(error instanceof RpcError)) throw error;
        if (!isUnconnected(error)) {
          refusedAtMs ??= performance.now();
          if (!this.#awaitsPassword(error, refusedAtMs)) throw error;
        }
        const retryInMs = backoffMs(attempt);
        this.#settings.onEvent({ type: "unreachable", error, retryInMs });
        const ended = signal
          ? AbortSignal.any([signal, this.#closing.signal])
          : this.#closing.signal;
        await delay(retryInMs, ended);
      }
    }
  }

  /** Whether another password may come that was good before. */
  #awaitsPassword({ reason }: RpcError, refusedAtMs: number): boolean {
    return reason === "refused" && this.#wasConnected &&
      performance.now() - refusedAtMs < RENEWAL_MS &&
      this.#settings.brokers.some(({ password }) =>
        typeof password === "function"
      );
  }

  /** What becomes of the connection from now on, until it is closed. */
  events(): AsyncIterableIterator<ConnectionEvent> {
    return this.#events.listen();
  }

  /** Closes the connection, once; no other is made. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closing.abort(closedError());
    // An attempt that is under way ends; whoever waits for it hears why.
    await Promise.allSettled([this.#link?.close(), this.#connecting]);
    this.#events.end();
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
    const { signal } = this.#closing;
    let failure: unknown;
    for (const broker of this.#settings.brokers) {
      try {
        const link = await AmqpLink.open(broker, this.#settings, signal);
        if (!signal.aborted) this.#adopt(link, brokerName(broker));
        // Closed meanwhile, by whoever hears of the connection for example.
        if (signal.aborted) await link.close();
        signal.throwIfAborted();
        return link;
      } catch (error) {
        signal.throwIfAborted();
        if (failure === undefined || isUnconnected(failure)) failure = error;
      }
    }
    throw failure;
  }

  #adopt(link: AmqpLink, broker: string): void {
    this.#link = link;
    this.#wasConnected = true;
    this.#settings.onEvent({ type: "connected", broker });
    link.lost.then((error) => {
      this.#link = undefined;
      if (this.#closing.signal.aborted) return;
      this.#settings.onEvent({ type: "lost", broker, error });
    });
  }
}

function closedError(): RpcError {
  return new RpcError("canceled", "the connection was closed", {
    reason: "closed",
  });
}
