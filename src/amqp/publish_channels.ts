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
import { closeChannel } from "./channels.ts";
import { Confirms } from "./confirms.ts";
import { channelFailure, rejected, unsendable } from "./failures.ts";
import type { ChannelHandlers } from "./frames/receiver.ts";
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

/** In confirm mode; knows what is not confirmed yet. */
export class ConfirmChannel {
  readonly #channel: UnconfirmedChannel;
  readonly #confirms = new Confirms();
  readonly #stopListening: () => void;

  private constructor(
    socket: AmqpSocket,
    channel: AMQPChannel,
    hooks: PublishHooks & { onRejected: () => void },
  ) {
    const onConfirm = (tag: number, multiple: boolean, ok: boolean) => {
      this.#confirms.settle(tag, multiple, ok ? undefined : rejected());
      if (!ok) hooks.onRejected();
    };
    const { onReturn } = hooks;
    const handlers = { onReturn, onConfirm };
    this.#channel = new UnconfirmedChannel(
      socket,
      channel,
      handlers,
      (reason) => {
        this.#stopListening();
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
    hooks: PublishHooks & { onRejected: () => void },
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
    if (written) this.#confirms.add(listener);
  }

  /** Closes the channel once everything is confirmed. */
  async close(limitMs?: number): Promise<void> {
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
