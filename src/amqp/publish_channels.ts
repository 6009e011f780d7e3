/**
 * Channels that do nothing but publish through the default exchange, with
 * `mandatory`: with confirms, and without.
 *
 * @module
 */
import { waitAtMost } from "../async/delay.ts";
import { RpcError } from "../rpc/errors.ts";
import type {
  MessageProperties,
  PublishListener,
  ReturnedMessage,
} from "../rpc/transport.ts";
import type { Channel, ChannelHandlers } from "./channel.ts";
import { CLOSE_TIMEOUT_MS, closeChannel } from "./closing.ts";
import { Confirms, type Publication } from "./confirms.ts";
import { channelFailure, rejected, unsendable } from "./failures.ts";
import type { MessageSizes } from "./message_sizes.ts";
import type { Connection } from "./connection.ts";

const DEFAULT_EXCHANGE = "";

/** What a channel that publishes tells. */
export interface PublishHooks {
  /** No queue took a message. */
  onReturn: (message: ReturnedMessage) => void;
  /** The broker closed the channel. */
  onClosed: (error: Error) => void;
}

/** Hears of its messages only where they come back. */
export class UnconfirmedChannel {
  readonly #connection: Connection;
  readonly #channel: Channel;

  /** Takes over a channel. */
  constructor(
    connection: Connection,
    channel: Channel,
    handlers: ChannelHandlers,
  ) {
    this.#connection = connection;
    this.#channel = channel;
    channel.handlers = handlers;
  }

  /** Opens the channel. */
  static async open(
    connection: Connection,
    { onReturn, onClosed }: PublishHooks,
  ): Promise<UnconfirmedChannel> {
    return await connection.openChannel((channel) => {
      const handlers = { onReturn, onClosed };
      return Promise.resolve(
        new UnconfirmedChannel(connection, channel, handlers),
      );
    });
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
      this.#connection.publish(
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
    await closeChannel(this.#connection, this.#channel);
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
    connection: Connection,
    channel: Channel,
    hooks: ConfirmHooks,
  ) {
    this.#sizes = connection.sizes;
    this.#confirms = new Confirms(connection.sizes);
    this.#hooks = hooks;
    const onConfirm = (tag: number, multiple: boolean, ok: boolean) => {
      this.#confirms.settle(tag, multiple, ok ? undefined : rejected());
      if (!ok) hooks.onRejected();
    };
    const { onReturn } = hooks;
    const onClosing = this.#onClosing.bind(this);
    const onClosed = (error: Error) => {
      this.#stopListening();
      // All was confirmed or is published again: nobody need know.
      if (this.#settling && this.#confirms.isEmpty) return;
      this.#confirms.failAll(channelFailure(error));
      hooks.onClosed(error);
    };
    const handlers = { onReturn, onConfirm, onClosing, onClosed };
    this.#channel = new UnconfirmedChannel(connection, channel, handlers);
    this.#stopListening = connection.onLost((cause) =>
      this.#confirms.failAll(channelFailure(cause))
    );
  }

  /** Opens the channel; `onRejected` hears of messages that are refused. */
  static async open(
    connection: Connection,
    hooks: ConfirmHooks,
  ): Promise<ConfirmChannel> {
    return await connection.openChannel(async (channel) => {
      const opened = new ConfirmChannel(connection, channel, hooks);
      await channel.request("confirm.select");
      return opened;
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
