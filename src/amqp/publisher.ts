/**
 * Publishes over one connection, with confirms or at less cost without.
 *
 * @module
 */
import { settled } from "../async/delay.ts";
import { overloaded } from "../rpc/calling/failures.ts";
import type { MessageProperties } from "../rpc/messages.ts";
import type {
  Publisher,
  PublishListener,
  ReturnedMessage,
} from "../rpc/transport.ts";
import type { Channel } from "./channel.ts";
import { unsendable } from "./channel_failures.ts";
import { closeChannel } from "./closing.ts";
import { ConfirmChannel, notConsumed } from "./confirm_channel.ts";
import type { Publication } from "./confirms.ts";
import type { Connection } from "./connection.ts";
import { type Target, writeMessage } from "./message_frames.ts";

/** A full queue refuses many messages; not each is worth a new channel. */
const RENEWAL_INTERVAL_MS = 500;
/** In bytes; messages beyond that fail. */
const MAX_WAITING = 64 * 1024 * 1024;

/**
 * Replaces its channels after a message was refused. On RabbitMQ 3.10, a
 * channel that published to a quorum queue without a leader goes on refusing
 * messages long after there is another leader. Without confirms they are lost
 * silently: see {@linkcode AmqpPublisher.dropUnconfirmed}.
 */
export class AmqpPublisher implements Publisher {
  readonly #connection: Connection;
  readonly #onReturn: (message: ReturnedMessage) => void;
  #onClosed: (error: Error) => void = () => {};
  /** What the broker closed a channel for, if it has. */
  #end: Error | undefined;
  #confirmed: ConfirmChannel | undefined;
  /** Opened when it is first wanted. */
  #unconfirmed: Channel | undefined;
  #opening: Promise<void> | undefined;
  #renewal: Promise<void> | undefined;
  #renewedAtMs = -Infinity;
  /** Of bodies, while the connection takes none. */
  #waitingBytes = 0;
  #closing = false;

  /** Not open yet; `onReturn` is called for messages that no queue took. */
  constructor(
    connection: Connection,
    onReturn: (message: ReturnedMessage) => void,
  ) {
    this.#connection = connection;
    this.#onReturn = onReturn;
  }

  /** Ready to publish when this resolves, and not before. */
  async open(): Promise<void> {
    this.#confirmed = await this.#openConfirmed();
    if (this.#closing) await this.#confirmed.close();
  }

  /**
   * Sets what is called when the broker closes a channel, at once if it has
   * done so already.
   */
  onClosed(callback: (error: Error) => void): void {
    this.#onClosed = callback;
    if (this.#end) callback(this.#end);
  }

  /**
   * Publishes at once, or when the connection is no longer blocked. A message
   * that is larger than the broker accepts fails without being sent.
   */
  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    const obstacle = this.#connection.flow.unblocked ?? this.#renewal;
    const { sizes } = this.#connection;
    if (body.length > sizes.limit) {
      listener.failed(sizes.tooLarge(body.length));
    } else if (obstacle !== undefined) {
      this.#publishLater(obstacle, { queue, body, properties, listener });
    } else if (this.#closing || this.#confirmed?.channel.closed !== false) {
      listener.failed(notConsumed());
    } else {
      const { channel, confirms } = this.#confirmed;
      const { writes, frameMax } = this.#connection;
      try {
        const target = targetOf(channel, queue);
        writeMessage(writes.writer, frameMax, target, body, properties);
      } catch (error) {
        return listener.failed(unsendable(error));
      }
      confirms.add(queue, body, properties, listener);
      writes.schedule();
    }
  }

  #publishLater(obstacle: Promise<void>, message: Publication): void {
    const { length } = message.body;
    if (this.#waitingBytes > 0 && this.#waitingBytes + length > MAX_WAITING) {
      const { obstacle } = this.#connection.flow;
      const error = overloaded("messages", this.#waitingBytes, obstacle);
      return message.listener.failed(error);
    }
    this.#waitingBytes += length;
    obstacle.then(() => {
      this.#waitingBytes -= length;
      const { queue, body, properties, listener } = message;
      this.publish(queue, body, properties, listener);
    });
  }

  /**
   * Publishes with a confirm all the same while there is no channel without
   * (none is opened if the broker allows few), or if the broker is not known to
   * accept a message of this size: one that is too large takes along those
   * published after it, which only confirms reveal.
   */
  publishUnconfirmed(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    const channel = this.#unconfirmed;
    const { writes, flow, frameMax, sizes } = this.#connection;
    if (channel === undefined || flow.unblocked || this.#closing) {
      this.#openUnconfirmed();
      this.publish(queue, body, properties, listener);
    } else if (body.length > sizes.taken) {
      this.publish(queue, body, properties, listener);
    } else if (channel.closed) listener.failed(notConsumed());
    else {
      try {
        const target = targetOf(channel, queue);
        writeMessage(writes.writer, frameMax, target, body, properties);
      } catch (error) {
        return listener.failed(unsendable(error));
      }
      writes.schedule();
    }
  }

  /** The next message uses another channel, opened when it is wanted. */
  dropUnconfirmed(): void {
    const channel = this.#unconfirmed;
    this.#unconfirmed = undefined;
    if (channel) void closeChannel(this.#connection, channel);
  }

  /** Closes the channels once everything is confirmed, for a limited time. */
  async close(): Promise<void> {
    this.#closing = true;
    // A channel that is being opened is closed as soon as it is open: a broker
    // that is blocked may open it at any time.
    await Promise.all([
      this.#confirmed?.close(this.#connection.flow.closeLimitMs),
      this.#unconfirmed && closeChannel(this.#connection, this.#unconfirmed),
    ]);
  }

  #openConfirmed(): Promise<ConfirmChannel> {
    return ConfirmChannel.open(this.#connection, {
      ...this.#hooks,
      onRejected: () => this.#renew(),
      onTooLarge: (discarded) => this.#publishAgain(discarded),
    });
  }

  /** Over another channel, where messages that are too large fail. */
  #publishAgain(discarded: Publication[]): void {
    if (this.#confirmed?.closing) {
      this.#renewal ??= this.#replace()
        .catch((error) => this.#closed(error))
        .finally(() => this.#renewal = undefined);
    }
    for (const { queue, body, properties, listener } of discarded) {
      this.publish(queue, body, properties, listener);
    }
  }

  #openUnconfirmed(): void {
    if (this.#opening || this.#renewal || this.#closing) return;
    if (this.#connection.channels.scarce) return;
    // If this fails, so does the connection, which is reported elsewhere.
    const opening = this.#connection.openChannel((channel) => {
      channel.handlers = this.#hooks;
      return Promise.resolve(channel);
    }).then((channel) => {
      this.#unconfirmed = channel;
      if (this.#closing) this.dropUnconfirmed();
    });
    this.#opening = settled(opening).finally(() => this.#opening = undefined);
  }

  get #hooks() {
    return {
      onReturn: this.#onReturn,
      onClosed: (error: Error) => this.#closed(error),
    };
  }

  #closed(error: Error): void {
    this.#end ??= error;
    this.#onClosed(error);
  }

  #renew(): void {
    const nowMs = performance.now();
    if (this.#renewal || this.#closing) return;
    if (nowMs - this.#renewedAtMs < RENEWAL_INTERVAL_MS) return;
    this.#renewedAtMs = nowMs;
    this.#renewal = settled(this.#replace())
      .finally(() => this.#renewal = undefined);
  }

  async #replace(): Promise<void> {
    const confirmed = await this.#openConfirmed();
    if (this.#closing) return await confirmed.close();
    // Confirms and returns are still to come over those that were used before.
    if (this.#confirmed) void settled(this.#confirmed.close());
    this.dropUnconfirmed();
    this.#confirmed = confirmed;
  }
}

/**
 * Through the default exchange; the message comes back if the queue is missing.
 */
function targetOf({ id }: Channel, queue: string): Target {
  return { channel: id, exchange: "", routingKey: queue, mandatory: true };
}
