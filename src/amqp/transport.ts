/**
 * Connects, and connects again: one live connection at a time, to whichever
 * broker answers first.
 *
 * @module
 */
import { backoffMs } from "../async/backoff.ts";
import { Broadcast } from "../async/broadcast.ts";
import { nowMs } from "../async/clock.ts";
import { delay } from "../async/delay.ts";
import { failure, remedyOf, RpcError } from "../rpc/errors.ts";
import type {
  ConnectionEvent,
  ConnectionOptions,
  Transport,
} from "../rpc/transport.ts";
import { AmqpConnection } from "./broker_connection.ts";
import type { ConnectSettings } from "./options.ts";
import { brokerName } from "./broker_address.ts";

/**
 * How long to wait for another password after a refused login, in ms: the
 * broker may know a new password before our file does.
 */
const RENEWAL_MS = 120_000;
/**
 * From one failed attempt to the next, in ms: many calls that wait, each with a
 * backoff of its own, must not add up to many attempts.
 */
const PAUSE_MS = 100;

/** A Transport over AMQP 0-9-1. */
export class AmqpTransport implements Transport {
  readonly #settings: ConnectSettings;
  readonly #closing = new AbortController();
  readonly #events = new Broadcast<ConnectionEvent>();
  #connection: AmqpConnection | undefined;
  #connecting: Promise<AmqpConnection> | undefined;
  #closed: Promise<void> | undefined;
  #wasConnected = false;
  #failedAtMs = -Infinity;

  /** Connects when it is first asked to. */
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
  async connection(options: ConnectionOptions = {}): Promise<AmqpConnection> {
    const { patient = false, signal } = options;
    let refusedAtMs: number | undefined;
    for (let attempt = 1;; attempt++) {
      signal?.throwIfAborted();
      try {
        return await this.#currentConnection();
      } catch (error) {
        if (!patient || !(error instanceof RpcError)) throw error;
        if (remedyOf(error) !== "resend") {
          refusedAtMs ??= nowMs();
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

  /** Whether another password may come: the login worked before. */
  #awaitsPassword({ reason }: RpcError, refusedAtMs: number): boolean {
    return reason === "refused" && this.#wasConnected &&
      nowMs() - refusedAtMs < RENEWAL_MS &&
      this.#settings.brokers.some(({ password }) =>
        typeof password === "function"
      );
  }

  /** The events of the connection from now on, until it is closed. */
  events(): AsyncIterableIterator<ConnectionEvent> {
    return this.#events.listen();
  }

  /** Closes the connection, once; no other is made. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closing.abort(closedError());
    // An attempt that is under way fails with the same error.
    await Promise.allSettled([this.#connection?.close(), this.#connecting]);
    this.#events.end();
  }

  /** The same as {@linkcode AmqpTransport.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #currentConnection(): Promise<AmqpConnection> {
    if (this.#closing.signal.aborted) return Promise.reject(closedError());
    if (this.#connection) return Promise.resolve(this.#connection);
    this.#connecting ??= this.#connectInTurn().finally(() =>
      this.#connecting = undefined
    );
    return this.#connecting;
  }

  /** After a pause, if an attempt has just failed. */
  async #connectInTurn(): Promise<AmqpConnection> {
    const leftMs = this.#failedAtMs + PAUSE_MS - nowMs();
    if (leftMs > 0) await delay(leftMs, this.#closing.signal);
    try {
      return await this.#connect();
    } catch (error) {
      this.#failedAtMs = nowMs();
      throw error;
    }
  }

  /** Tries each broker once; the first error that is a refusal, or the last. */
  async #connect(): Promise<AmqpConnection> {
    const { signal } = this.#closing;
    let refusal: unknown;
    for (const broker of this.#settings.brokers) {
      try {
        const connection = await AmqpConnection.open(
          broker,
          this.#settings,
          signal,
        );
        if (!signal.aborted) this.#adopt(connection, brokerName(broker));
        // Closed meanwhile, by a listener of the event for example.
        if (signal.aborted) await connection.close();
        signal.throwIfAborted();
        return connection;
      } catch (error) {
        signal.throwIfAborted();
        const isPassing = remedyOf(refusal) === "resend";
        if (refusal === undefined || isPassing) refusal = error;
      }
    }
    throw refusal;
  }

  #adopt(connection: AmqpConnection, broker: string): void {
    this.#connection = connection;
    this.#wasConnected = true;
    this.#settings.onEvent({ type: "connected", broker });
    connection.lost.then((error) => {
      this.#connection = undefined;
      if (this.#closing.signal.aborted) return;
      this.#settings.onEvent({ type: "lost", broker, error });
    });
  }
}

function closedError(): RpcError {
  return failure("closed", "the connection was closed");
}
