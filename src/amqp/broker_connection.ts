/**
 * A live AMQP connection, as calling and serving need it.
 *
 * @module
 */
import type {
  BrokerConnection,
  CallbackQueue,
  QueueInfo,
  ReplyQueueKind,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
} from "../rpc/transport.ts";
import { AmqpCallbackQueue } from "./callback_queue.ts";
import { Canceler } from "./cancellation.ts";
import { channelFailure } from "./channel_failures.ts";
import { brokerUrl } from "./broker_address.ts";
import type { Connection } from "./connection.ts";
import { QueueInspector } from "./inspector.ts";
import { openConnection } from "./open.ts";
import type { BrokerSettings, ConnectSettings } from "./options.ts";
import { ReplyQueues } from "./reply_queues.ts";
import { AmqpRequestQueue } from "./request_queue.ts";
import { roundTripMs } from "./round_trip.ts";

/** A live connection to one broker. */
export class AmqpConnection implements BrokerConnection {
  /** See {@linkcode BrokerConnection.vhost}. */
  readonly vhost: string;
  /** The URL of the broker, without the password. */
  readonly url: string;
  readonly #connection: Connection;
  readonly #canceler: Canceler;
  readonly #inspector: QueueInspector;
  readonly #replyQueues: ReplyQueues;
  #closing: Promise<void> | undefined;

  private constructor(connection: Connection, broker: BrokerSettings) {
    this.#connection = connection;
    this.#canceler = new Canceler(connection);
    this.#inspector = new QueueInspector(connection);
    this.#replyQueues = new ReplyQueues(connection, this.#inspector);
    this.vhost = broker.vhost;
    this.url = brokerUrl(broker);
  }

  /** Connects to one broker. */
  static async open(
    broker: BrokerSettings,
    settings: ConnectSettings,
    signal: AbortSignal,
  ): Promise<AmqpConnection> {
    const connection = await openConnection(broker, settings, signal);
    return new AmqpConnection(connection, broker);
  }

  /** See {@linkcode BrokerConnection.lost}. */
  get lost(): Promise<Error> {
    return this.#connection.loss.promise;
  }

  /** See {@linkcode BrokerConnection.unblocked}. */
  get unblocked(): Promise<void> | undefined {
    return this.#connection.flow.unblocked;
  }

  /** See {@linkcode BrokerConnection.obstacle}. */
  get obstacle(): string | undefined {
    return this.#connection.flow.obstacle;
  }

  /** See {@linkcode BrokerConnection.openCallbackQueue}. */
  openCallbackQueue(
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<CallbackQueue> {
    return failing(AmqpCallbackQueue.open(this.#connection, onReturn));
  }

  /** See {@linkcode BrokerConnection.openRequestQueue}. */
  openRequestQueue(
    queue: string,
    options: RequestQueueOptions,
  ): Promise<RequestQueue> {
    return failing(AmqpRequestQueue.open(this.#connection, queue, options));
  }

  /** See {@linkcode BrokerConnection.cancelCall}. */
  async cancelCall(queue: string, correlationId: string): Promise<void> {
    await failing(this.#canceler.cancel(queue, correlationId));
  }

  /** See {@linkcode BrokerConnection.inspect}. */
  inspect(queue: string): Promise<QueueInfo | undefined> {
    return failing(this.#inspector.inspect(queue));
  }

  /** See {@linkcode BrokerConnection.checkReplyTo}. */
  checkReplyTo(queue: string): Promise<ReplyQueueKind> {
    return this.#replyQueues.check(queue);
  }

  /** See {@linkcode BrokerConnection.rttMs}. */
  rttMs(): Promise<number> {
    return failing(roundTripMs(this.#connection));
  }

  /** Closes the connection; once. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#canceler.close();
    await this.#connection.close();
  }
}

/** Errors of the connection as {@linkcode RpcError}. */
async function failing<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw channelFailure(error);
  }
}
