/**
 * One live AMQP connection as the Link that calling and serving need.
 *
 * @module
 */
import type {
  CallbackQueue,
  Link,
  QueueInfo,
  ReplyQueueKind,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
} from "../rpc/transport.ts";
import { Canceler } from "./cancellation.ts";
import { channelFailure } from "./failures.ts";
import {
  type BrokerSettings,
  brokerUrl,
  type ConnectSettings,
} from "./options.ts";
import { QueueInspector } from "./inspector.ts";
import { AmqpCallbackQueue, AmqpRequestQueue } from "./queues.ts";
import { ReplyQueues } from "./reply_queues.ts";
import { roundTripMs } from "./round_trip.ts";
import { AmqpSocket } from "./socket.ts";

/** A Link over one socket. */
export class AmqpLink implements Link {
  /** See {@linkcode Link.vhost}. */
  readonly vhost: string;
  /** Of the broker, without the password. */
  readonly url: string;
  readonly #socket: AmqpSocket;
  readonly #canceler: Canceler;
  readonly #inspector: QueueInspector;
  readonly #replyQueues: ReplyQueues;
  #closing: Promise<void> | undefined;

  private constructor(socket: AmqpSocket, broker: BrokerSettings) {
    this.#socket = socket;
    this.#canceler = new Canceler(socket);
    this.#inspector = new QueueInspector(socket);
    this.#replyQueues = new ReplyQueues(socket, this.#inspector);
    this.vhost = broker.vhost;
    this.url = brokerUrl(broker);
  }

  /** Connects to one broker. */
  static async open(
    broker: BrokerSettings,
    settings: ConnectSettings,
    signal?: AbortSignal,
  ): Promise<AmqpLink> {
    const socket = new AmqpSocket(broker, settings);
    await socket.open(signal);
    return new AmqpLink(socket, broker);
  }

  /** See {@linkcode Link.lost}. */
  get lost(): Promise<Error> {
    return this.#socket.lost;
  }

  /** See {@linkcode Link.unblocked}. */
  get unblocked(): Promise<void> | undefined {
    return this.#socket.unblocked;
  }

  /** See {@linkcode Link.obstacle}. */
  get obstacle(): string | undefined {
    return this.#socket.obstacle;
  }

  /** See {@linkcode Link.openCallbackQueue}. */
  openCallbackQueue(
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<CallbackQueue> {
    return failing(AmqpCallbackQueue.open(this.#socket, onReturn));
  }

  /** See {@linkcode Link.openRequestQueue}. */
  openRequestQueue(
    queue: string,
    options: RequestQueueOptions,
  ): Promise<RequestQueue> {
    return failing(AmqpRequestQueue.open(this.#socket, queue, options));
  }

  /** See {@linkcode Link.cancelCall}. */
  async cancelCall(queue: string, correlationId: string): Promise<void> {
    await failing(this.#canceler.cancel(queue, correlationId));
  }

  /** See {@linkcode Link.inspect}. */
  inspect(queue: string): Promise<QueueInfo | undefined> {
    return failing(this.#inspector.inspect(queue));
  }

  /** See {@linkcode Link.checkReplyTo}. */
  checkReplyTo(queue: string): Promise<ReplyQueueKind> {
    return this.#replyQueues.check(queue);
  }

  /** How long the broker takes to answer, in ms. */
  roundTripMs(): Promise<number> {
    return failing(roundTripMs(this.#socket));
  }

  /** Closes the connection; once. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#canceler.close();
    await this.#socket.shutDown();
  }
}

/** The library's errors as {@linkcode RpcError}. */
async function failing<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw channelFailure(error);
  }
}
