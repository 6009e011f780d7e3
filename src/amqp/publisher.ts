/**
 * Publishes in confirm mode through the default exchange.
 *
 * @module
 */
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import { RpcError } from "../rpc/errors.ts";
import type {
  MessageProperties,
  Publisher,
  PublishListener,
  ReturnedMessage,
} from "../rpc/transport.ts";
import { CLOSE_TIMEOUT_MS, closeChannel } from "./channels.ts";
import { Confirms } from "./confirms.ts";
import { channelFailure, rejected, unsendable } from "./failures.ts";
import type { AmqpSocket } from "./socket.ts";

const DEFAULT_EXCHANGE = "";
/** A queue that is full refuses many messages: not each is worth a channel. */
const RENEWAL_INTERVAL_MS = 500;

/** What a channel that publishes tells. */
interface ConfirmChannelHooks {
  onReturn: (message: ReturnedMessage) => void;
  /** The broker refused a message. */
  onRejected: () => void;
  /** The broker closed the channel. */
  onClosed: (reason: string) => void;
}

/**
 * A channel that does nothing but publish. It is replaced after a message was
 * refused: one that met a quorum queue while it had no leader goes on to refuse
 * all messages to it, long after there is another leader (RabbitMQ 3.10).
 */
export class ConfirmedPublisher implements Publisher {
  readonly #socket: AmqpSocket;
  readonly #hooks: ConfirmChannelHooks;
  #onClosed: (reason: string) => void = () => {};
  #channel!: ConfirmChannel;
  #renewal: Promise<void> | undefined;
  #renewedAtMs = -Infinity;
  #closing = false;

  private constructor(
    socket: AmqpSocket,
    onReturn: (message: ReturnedMessage) => void,
  ) {
    this.#socket = socket;
    this.#hooks = {
      onReturn,
      onRejected: () => this.#renew(),
      onClosed: (reason) => this.#onClosed(reason),
    };
  }

  /** Opens the channel; `onReturn` hears of messages that no queue took. */
  static async open(
    socket: AmqpSocket,
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<ConfirmedPublisher> {
    const publisher = new ConfirmedPublisher(socket, onReturn);
    publisher.#channel = await ConfirmChannel.open(socket, publisher.#hooks);
    return publisher;
  }

  /** Hears when the broker closes the channel. */
  onClosed(callback: (reason: string) => void): void {
    this.#onClosed = callback;
  }

  /** At once, or when the connection is no longer blocked. */
  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    const obstacle = this.#socket.unblocked ?? this.#renewal;
    if (obstacle !== undefined) {
      obstacle.then(() => this.publish(queue, body, properties, listener));
    } else if (this.#closing) listener.failed(closedError());
    else this.#channel.publish(queue, body, properties, listener);
  }

  /** Closes the channel once everything is confirmed, for a limited time. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#renewal;
    await this.#channel.close(CLOSE_TIMEOUT_MS);
  }

  #renew(): void {
    const nowMs = performance.now();
    if (this.#renewal || this.#closing) return;
    if (nowMs - this.#renewedAtMs < RENEWAL_INTERVAL_MS) return;
    this.#renewedAtMs = nowMs;
    this.#renewal = this.#replace().catch(ignore)
      .finally(() => this.#renewal = undefined);
  }

  async #replace(): Promise<void> {
    const before = this.#channel;
    this.#channel = await ConfirmChannel.open(this.#socket, this.#hooks);
    // Its confirms are still to come.
    before.close().catch(ignore);
  }
}

/** A channel in confirm mode that knows what is not confirmed yet. */
class ConfirmChannel {
  readonly #socket: AmqpSocket;
  readonly #channel: AMQPChannel;
  readonly #confirms = new Confirms();

  private constructor(
    socket: AmqpSocket,
    channel: AMQPChannel,
    hooks: ConfirmChannelHooks,
  ) {
    this.#socket = socket;
    this.#channel = channel;
    socket.handle(channel, {
      onReturn: hooks.onReturn,
      onConfirm: (deliveryTag, multiple, ok) => {
        this.#confirms.settle(
          deliveryTag,
          multiple,
          ok ? undefined : rejected(),
        );
        if (!ok) hooks.onRejected();
      },
    });
    channel.onerror = (reason) => {
      this.#confirms.failAll(channelFailure(reason));
      hooks.onClosed(reason);
    };
    socket.lost.then((cause) => this.#confirms.failAll(channelFailure(cause)));
  }

  static async open(
    socket: AmqpSocket,
    hooks: ConfirmChannelHooks,
  ): Promise<ConfirmChannel> {
    const channel = await socket.channel();
    await channel.confirmSelect();
    return new ConfirmChannel(socket, channel, hooks);
  }

  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    if (this.#channel.closed) return listener.failed(closedError());
    try {
      this.#socket.publish(
        {
          channel: this.#channel.id,
          exchange: DEFAULT_EXCHANGE,
          routingKey: queue,
          mandatory: true,
        },
        body,
        properties,
      );
    } catch (error) {
      return listener.failed(unsendable(error));
    }
    this.#confirms.add(listener);
  }

  /** Closes the channel once everything is confirmed. */
  async close(limitMs?: number): Promise<void> {
    const limit = Promise.withResolvers<void>();
    const timer = limitMs && setTimeout(limit.resolve, limitMs);
    await Promise.race([this.#confirms.empty(), limit.promise]);
    clearTimeout(timer);
    await closeChannel(this.#channel);
    this.#confirms.failAll(closedError());
  }
}

function closedError(): RpcError {
  return new RpcError("unavailable", "the queue is no longer consumed", {
    reason: "connection_lost",
  });
}

/** It failed with its connection, which is told elsewhere. */
function ignore(): void {}
