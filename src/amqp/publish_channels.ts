/**
 * Channels that do nothing but publish through the default exchange, with
 * `mandatory`: with confirms, and without.
 *
 * @module
 */
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import { waitAtMost } from "../rpc/delay.ts";
import { RpcError } from "../rpc/errors.ts";
import type {
  MessageProperties,
  PublishListener,
  ReturnedMessage,
} from "../rpc/transport.ts";
import { CLOSE_TIMEOUT_MS, closeChannel } from "./channels.ts";
import { Confirms, type Publication } from "./confirms.ts";
import { channelFailure, rejected, unsendable } from "./failures.ts";
import type { ChannelHandlers } from "./frames/receiver.ts";
import type { MessageSizes } from "./message_sizes.ts";
import type { AmqpSocket } from "./socket.ts";

const DEFAULT_EXCHANGE = "";

/** What a channel that publishes tells. */
export interface PublishHooks {
  /** No queue took a message. */
  onReturn: (message: ReturnedMessage) => void;
  /** The broker closed the channel. */
  onClosed: (reason: string) => void;
}

/** Hears of its messages only where they come back. */
export class UnconfirmedChannel {
  readonly #socket: AmqpSocket;
  readonly #channel: AMQPChannel;

  /** Takes over a channel. */
  constructor(
    socket: AmqpSocket,
    channel: AMQPChannel,
    handlers: ChannelHandlers,
    onClosed: (reason: string) => void,
  ) {
    this.#socket = socket;
    this.#channel = channel;
    socket.handle(channel, handlers);
    channel.onerror = onClosed;
  }

  /** Opens the channel. */
  static async open(
    socket: AmqpSocket,
    { onReturn, onClosed }: PublishHooks,
  ): Promise<UnconfirmedChannel> {
    const channel = await socket.channel();
    return new UnconfirmedChannel(socket, channel, { onReturn }, onClosed);
  }

  /** Whether the message is written; the listener hears why it is not. */
  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): boolean {
    if (this.#channel.closed) {
      listener.failed(closedError());
      return false;
    }
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
      return true;
    } catch (error) {
      listener.failed(unsendable(error));
      return false;
    }
  }

  /** Closes the channel. */
  async close(): Promise<void> {
    await closeChannel(this.#channel);
  }
}

/** What a channel in confirm mode tells. */
export interface ConfirmHooks extends PublishHooks {
  /** The broker refused messages. */
  onRejected: () => void;
  /**
   * A message was too large, and the broker closes the channel. What was
   * published before the first such message has been processed, and is yet to
   * be confirmed; that one, and the rest, it has thrown away.
   */
  onTooLarge: (discarded: Publication[]) => void;
}

/** In confirm mode; knows what is not confirmed yet. */
export class ConfirmChannel {
  readonly #sizes: MessageSizes;
  readonly #channel: UnconfirmedChannel;
  readonly #confirms: Confirms;
  readonly #hooks: ConfirmHooks;
  readonly #stopListening: () => void;
  /** Resolves when all is settled of a channel that the broker is closing. */
  #settling: Promise<void> | undefined;

  private constructor(
    socket: AmqpSocket,
    channel: AMQPChannel,
    hooks: ConfirmHooks,
  ) {
    this.#sizes = socket.sizes;
    this.#confirms = new Confirms(socket.sizes);
    this.#hooks = hooks;
    const onConfirm = (tag: number, multiple: boolean, ok: boolean) => {
      this.#confirms.settle(tag, multiple, ok ? undefined : rejected());
      if (!ok) hooks.onRejected();
    };
    const { onReturn } = hooks;
    const onClosing = this.#onClosing.bind(this);
    const handlers = { onReturn, onConfirm, onClosing };
    this.#channel = new UnconfirmedChannel(
      socket,
      channel,
      handlers,
      (reason) => {
        this.#stopListening();
        // All was confirmed or is published again: nobody need know.
        if (this.#settling && this.#confirms.isEmpty) return;
        this.#confirms.failAll(channelFailure(reason));
        hooks.onClosed(reason);
      },
    );
    this.#stopListening = socket.onLost((cause) =>
      this.#confirms.failAll(channelFailure(cause))
    );
  }

  /** Opens the channel; `onRejected` hears of messages that are refused. */
  static async open(
    socket: AmqpSocket,
    hooks: ConfirmHooks,
  ): Promise<ConfirmChannel> {
    return await socket.openChannel(async (channel) => {
      await channel.confirmSelect();
      return new ConfirmChannel(socket, channel, hooks);
    });
  }

  /** The listener hears what became of the message. */
  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    const written = this.#channel.publish(queue, body, properties, listener);
    if (written) this.#confirms.add(queue, body, properties, listener);
  }

  /** A broker that is in the middle of closing a channel reads none of it. */
  get closing(): boolean {
    return this.#settling !== undefined;
  }

  #onClosing(replyCode: number, replyText: string): Promise<void> | undefined {
    if (!this.#sizes.learn(replyCode, replyText)) return undefined;
    const discarded = this.#confirms.takeFromFirstOver(this.#sizes.limit);
    this.#settling = waitAtMost(CLOSE_TIMEOUT_MS, this.#confirms.empty());
    this.#hooks.onTooLarge(discarded);
    return this.#settling;
  }

  /** Closes the channel once everything is confirmed. */
  async close(limitMs?: number): Promise<void> {
    if (this.#settling) return await this.#settling;
    const confirmed = this.#confirms.empty();
    await (limitMs === undefined ? confirmed : waitAtMost(limitMs, confirmed));
    await this.#channel.close();
    this.#stopListening();
    this.#confirms.failAll(closedError());
  }
}

/** Why nothing more can be published. */
export function closedError(): RpcError {
  return new RpcError("unavailable", "the queue is no longer consumed", {
    reason: "connection_lost",
  });
}
