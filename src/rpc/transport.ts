/**
 * The port that a broker connection fills: what calling and serving need of a
 * broker, and no more. The words are those of AMQP 0-9-1.
 *
 * @module
 */
import type { RpcError } from "./errors.ts";
import type { MessageProperties } from "./messages.ts";

/** A message as the broker delivered it. */
export interface Delivery {
  /** As they came; none if they are malformed. */
  readonly properties: MessageProperties;
  /** The body as it came; its buffer may hold other bodies as well. */
  readonly body: Uint8Array;
  /** Counts deliveries on one channel, from 1. */
  readonly deliveryTag: number;
  /** Whether it was delivered before, to anyone. */
  readonly redelivered: boolean;
  /** Why the properties could not be read; there are none then. */
  readonly malformed?: Error;
}

/** A message that no queue took, sent back by the broker. */
export interface ReturnedMessage {
  /** Those it was published with. */
  readonly properties: MessageProperties;
  /** The routing key it was published with. */
  readonly routingKey: string;
  /** 312 for a missing queue. */
  readonly replyCode?: number;
  /** `NO_ROUTE` for a missing queue. */
  readonly replyText?: string;
}

/** What a passive declare returns. */
export interface QueueInfo {
  /** Its name. */
  readonly queue: string;
  /** Messages that wait, those in delivery not counted. */
  readonly messages: number;
  /** Consumers, of all connections. */
  readonly consumers: number;
}

/** Learns what became of a published message: one of these is called, once. */
export interface PublishListener {
  /**
   * The broker has the message. One that no queue took is confirmed as well,
   * after it was given to `onReturn`.
   */
  confirmed(): void;
  /**
   * It is `resource_exhausted` if the broker refused the message,
   * `invalid_argument` if it can't be encoded, and `unavailable`
   * (`connection_lost`) if the connection was lost before the confirm.
   */
  failed(error: RpcError): void;
}
/**
 * What the queue that a `reply_to` names is:
 *
 * - `exclusive`: another connection's alone, as callback queues are
 * - `shared`: anybody may consume it, or this very connection
 * - `missing`: there is none
 */
export type ReplyQueueKind = "exclusive" | "shared" | "missing";

/** Publishes to a queue, through the default exchange, with `mandatory`. */
export interface Publisher {
  /**
   * The listener may be called before this returns. (A promise for each
   * message would cost more than the message.)
   */
  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void;
}

/** The queue that replies come to; iterate it to consume them. */
export interface CallbackQueue extends Publisher, AsyncIterable<Delivery> {
  /** The name that the broker gave. */
  readonly name: string;
  /**
   * Publishes without a confirm, at less cost: the listener need only be told
   * that the message can't be encoded or written. It is still returned if no
   * queue takes it.
   */
  publishUnconfirmed(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void;
  /**
   * Unconfirmed messages may have been lost: the next one uses another channel.
   */
  distrustUnconfirmed(): void;
  /** Deletes the queue. */
  close(): Promise<void>;
}

/** What the streams of a server go over. */
export interface StreamPort {
  /** The name that the broker gave the server's queue for control messages. */
  readonly controlQueue: string;
  /**
   * Publishes an item of a stream, at less cost than with a confirm: items are
   * delivered in the order in which they are published here. The listener need
   * only be told that an item can't be encoded or written.
   */
  publishItem(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void;
  /**
   * Resolves when the broker has all items that were published before.
   *
   * @throws {RpcError} `connection_lost` if that can't be known.
   */
  itemsTaken(): Promise<void>;
}

/** A request queue that is being consumed. */
export interface RequestQueue extends Publisher, AsyncIterable<Delivery> {
  /** What streams go over; undefined if the server may send none. */
  readonly streams?: StreamPort | undefined;
  /** Acknowledges one delivery, with its neighbours if that is possible. */
  ack(deliveryTag: number): void;
  /** Gives a delivery back to the queue, or dead-letters or drops it. */
  nack(deliveryTag: number, requeue: boolean): void;
  /** Stops deliveries; those that were made stay ours. */
  cancel(): Promise<void>;
  /** Writes what was acknowledged and closes the channels. */
  close(): Promise<void>;
}

/** How to declare a request queue that is missing. */
export interface QueueDeclaration {
  /**
   * `auto` declares a missing queue, `passive` waits until somebody else has
   * declared it. An existing queue is used as it is in either case.
   *
   * @default {"auto"}
   */
  mode?: "auto" | "passive";
  /**
   * The type of the queue.
   *
   * @default {"classic"}
   */
  type?: "classic" | "quorum";
  /** The exchange for requests that are dropped; none by default. */
  deadLetterExchange?: string;
  /**
   * Further arguments, as the broker knows them: `{ "x-max-priority": 10 }`.
   * They may not contradict `type` and `deadLetterExchange`.
   *
   * @default {{}}
   */
  arguments?: Record<string, string | number | bigint | boolean>;
}

/** How a request queue is consumed. */
export interface RequestQueueOptions {
  /** Deliveries that may be unacknowledged at once. */
  prefetch: number;
  /** What to do if the queue is missing. */
  declare: QueueDeclaration;
  /**
   * The delivery limit of a quorum queue that is declared; the broker drops
   * what was delivered more often.
   */
  deliveryLimit: number;
  /** How long a delivery may stay unacknowledged, in ms. */
  unackedMs: number;
  /**
   * Called with what to set on the broker if its consumer timeout may be too
   * short.
   */
  onConsumerTimeout: (advice: string) => void;
  /** Called with the correlation id of each call that its caller cancels. */
  onCancel: (correlationId: string) => void;
  /** Called with each control message that names a run. */
  onControl: (message: MessageProperties) => void;
  /** Called with each message that no queue took. */
  onReturn: (message: ReturnedMessage) => void;
}

/** One live connection to a broker. */
export interface BrokerConnection {
  /** The virtual host, `/` by default. */
  readonly vhost: string;
  /** Pending while the connection accepts no messages; else undefined. */
  readonly unblocked: Promise<void> | undefined;
  /** Why it accepts none, if it does not. */
  readonly obstacle?: string | undefined;
  /** Resolves, once, when the connection is gone. */
  readonly lost: Promise<unknown>;
  /** Declares an exclusive, server-named queue and consumes it. */
  openCallbackQueue(
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<CallbackQueue>;
  /** Takes a queue as it is, or declares it durable, and consumes it. */
  openRequestQueue(
    queue: string,
    options: RequestQueueOptions,
  ): Promise<RequestQueue>;
  /**
   * Tells the server that runs a call that it is canceled. Does nothing if no
   * server of the queue listens for that, or if it is not permitted.
   */
  cancelCall(queue: string, correlationId: string): Promise<void>;
  /**
   * What a passive declare returns; undefined if there is no such queue.
   *
   * @throws {RpcError} `refused` if the user has no permission on the queue,
   * `locked` if it is exclusive to another connection.
   */
  inspect(queue: string): Promise<QueueInfo | undefined>;
  /** How long the broker takes to answer, in ms. */
  rttMs(): Promise<number>;
  /**
   * What the queue that a `reply_to` names is.
   *
   * @throws {RpcError} `connection_lost` if the connection was lost meanwhile;
   * anything else if the broker does not say.
   */
  checkReplyTo(queue: string): Promise<ReplyQueueKind>;
}

/** How to wait for a connection. */
export interface ConnectionOptions {
  /**
   * Whether to try again, with a backoff, when no broker can be reached, or
   * accepts no connection for now. A refusal (login, virtual host, wrong
   * protocol) is thrown all the same. A login that has worked before, with a
   * password from a function, is tried again for two minutes first.
   *
   * @default {false}
   */
  patient?: boolean;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** What becomes of a connection. */
export type ConnectionEvent =
  /** Login succeeded. */
  | { type: "connected"; broker: string }
  /** No broker could be reached; tried again after the delay. */
  | { type: "unreachable"; error: Error; retryInMs: number }
  /** The connection was lost. */
  | { type: "lost"; broker: string; error: Error }
  /** The broker accepts no messages for now: it is short of memory or disk. */
  | { type: "blocked"; reason: string }
  /** The broker accepts messages again. */
  | { type: "unblocked" }
  /** The password has changed, and the broker took the new one. */
  | { type: "secret_updated"; broker: string };

/** Makes connections, one at a time. */
export interface Transport extends AsyncDisposable {
  /**
   * The live connection, or a new one if there is none.
   *
   * @throws {RpcError} if no broker can be reached, or one refuses.
   */
  connection(options?: ConnectionOptions): Promise<BrokerConnection>;
  /** The events of the connection from now on, until it is closed. */
  events(): AsyncIterableIterator<ConnectionEvent>;
  /** Closes the connection, for good. */
  close(): Promise<void>;
}
