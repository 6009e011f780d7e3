/**
 * A channel in confirm mode, and what was published over it.
 *
 * @module
 */
import { waitAtMost } from "../async/delay.ts";
import { failure, type RpcError } from "../rpc/errors.ts";
import type { ReturnedMessage } from "../rpc/transport.ts";
import type { Channel } from "./channel.ts";
import { channelFailure, rejected } from "./channel_failures.ts";
import { closeChannel } from "./closing.ts";
import { CLOSE_TIMEOUT_MS } from "./flow.ts";
import { Confirms, type Publication } from "./confirms.ts";
import type { Connection } from "./connection.ts";
import type { MessageSizes } from "./message_sizes.ts";

/** Callbacks of a channel in confirm mode. */
export interface ConfirmHooks {
  /** No queue took a message. */
  onReturn: (message: ReturnedMessage) => void;
  /** The broker closed the channel. */
  onClosed: (error: Error) => void;
  /** The broker refused messages. */
  onRejected: () => void;
  /**
   * A message was too large, and the broker closes the channel. What was
   * published before the first such message has been processed, and is yet to
   * be confirmed; that one, and the rest, it has thrown away.
   */
  onTooLarge: (discarded: Publication[]) => void;
}

/** Tracks the messages that are not confirmed yet. */
export class ConfirmChannel {
  readonly channel: Channel;
  /** All messages published over the channel are added here. */
  readonly confirms: Confirms;
  readonly #connection: Connection;
  readonly #sizes: MessageSizes;
  readonly #hooks: ConfirmHooks;
  readonly #stopListening: () => void;
  /**
   * Resolves when a channel that the broker is closing has no unconfirmed
   * message left.
   */
  #settling: Promise<void> | undefined;

  private constructor(
    connection: Connection,
    channel: Channel,
    hooks: ConfirmHooks,
  ) {
    this.channel = channel;
    this.confirms = new Confirms(connection.sizes);
    this.#connection = connection;
    this.#sizes = connection.sizes;
    this.#hooks = hooks;
    channel.handlers = {
      onReturn: hooks.onReturn,
      onConfirm: (tag, multiple, ok) => {
        this.confirms.settle(tag, multiple, ok ? undefined : rejected());
        if (!ok) hooks.onRejected();
      },
      onClosing: this.#onClosing.bind(this),
      onClosed: this.#onClosed.bind(this),
    };
    this.#stopListening = connection.loss.listen((cause) =>
      this.confirms.failAll(channelFailure(cause))
    );
  }

  /** Opens the channel. */
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

  /** A broker reads nothing from a channel that it is closing. */
  get closing(): boolean {
    return this.#settling !== undefined;
  }

  #onClosing(replyCode: number, replyText: string): Promise<void> | undefined {
    if (!this.#sizes.learn(replyCode, replyText)) return undefined;
    const discarded = this.confirms.takeFromFirstOver(this.#sizes.limit);
    this.#settling = waitAtMost(CLOSE_TIMEOUT_MS, this.confirms.empty());
    this.#hooks.onTooLarge(discarded);
    return this.#settling;
  }

  #onClosed(error: Error): void {
    this.#stopListening();
    // Everything was confirmed, or is published again on another channel.
    if (this.#settling && this.confirms.isEmpty) return;
    this.confirms.failAll(channelFailure(error));
    this.#hooks.onClosed(error);
  }

  /** Closes the channel once everything is confirmed. */
  async close(limitMs?: number): Promise<void> {
    if (this.#settling) return await this.#settling;
    const confirmed = this.confirms.empty();
    await (limitMs === undefined ? confirmed : waitAtMost(limitMs, confirmed));
    await closeChannel(this.#connection, this.channel);
    this.#stopListening();
    this.confirms.failAll(notConsumed());
  }
}

/** Why nothing more can be published. */
export function notConsumed(): RpcError {
  return failure("connection_lost", "the queue is no longer consumed");
}
