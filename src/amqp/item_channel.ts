/**
 * Publishes the items of streams: in order, and without a confirm for each,
 * which would cost the broker a third of an item.
 *
 * @module
 */
import type { MessageProperties } from "../rpc/messages.ts";
import type {
  PublishListener,
  ReturnedMessage,
  StreamPort,
} from "../rpc/transport.ts";
import type { Channel } from "./channel.ts";
import { channelFailure, unsendable } from "./channel_failures.ts";
import { closeChannel } from "./closing.ts";
import { notConsumed } from "./confirm_channel.ts";
import type { Publication } from "./confirms.ts";
import type { Connection } from "./connection.ts";
import { writeMessage } from "./message_frames.ts";

/** What becomes of items. */
export interface ItemChannelHooks {
  /** No queue took a message. */
  onReturn: (message: ReturnedMessage) => void;
  /** The broker closed the channel. */
  onClosed: (error: Error) => void;
}

/** One channel for all streams from a request queue; opened with the first. */
export class ItemChannel implements StreamPort {
  /** See {@linkcode StreamPort.controlQueue}. */
  readonly controlQueue: string;
  readonly #connection: Connection;
  readonly #hooks: ItemChannelHooks;
  readonly #unhook: () => void;
  #channel: Channel | undefined;
  #isClosed = false;
  /** Published while the channel was not open, or the connection blocked. */
  readonly #waiting: Publication[] = [];
  #isSending = false;
  /** Of whoever waits for what was published so far. */
  #taken: PromiseWithResolvers<void> | undefined;

  /** Not open. */
  constructor(
    connection: Connection,
    controlQueue: string,
    hooks: ItemChannelHooks,
  ) {
    this.controlQueue = controlQueue;
    this.#connection = connection;
    this.#hooks = hooks;
    this.#unhook = connection.writes.beforeFlush(() => this.#ask());
  }

  /** See {@linkcode StreamPort.publishItem}. */
  publishItem(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    const channel = this.#channel;
    const { sizes } = this.#connection;
    if (body.length > sizes.limit) {
      listener.failed(sizes.tooLarge(body.length));
    } else if (this.#isClosed || channel?.closed) {
      listener.failed(notConsumed());
    } else if (this.#isReady && channel) {
      this.#write(channel, { queue, body, properties, listener });
    } else {
      this.#waiting.push({ queue, body, properties, listener });
      this.#send();
    }
  }

  /** See {@linkcode StreamPort.itemsTaken}. */
  itemsTaken(): Promise<void> {
    if (this.#isClosed) return Promise.reject(notConsumed());
    this.#taken ??= Promise.withResolvers();
    this.#send();
    this.#connection.writes.schedule();
    return this.#taken.promise;
  }

  /** Closes the channel, if there is one. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unhook();
    this.#fail(notConsumed());
    if (this.#channel) await closeChannel(this.#connection, this.#channel);
  }

  /** Whether what is published now may be written now. */
  get #isReady(): boolean {
    const { unblocked } = this.#connection.flow;
    return this.#waiting.length === 0 && unblocked === undefined;
  }

  /** Writes what waits, in order, as soon as that is possible. */
  #send(): void {
    if (this.#isSending || this.#channel && this.#waiting.length === 0) return;
    this.#isSending = true;
    this.#sendWaiting()
      .catch((error) => this.#fail(error))
      .finally(() => this.#isSending = false);
  }

  async #sendWaiting(): Promise<void> {
    const { flow, writes } = this.#connection;
    const channel = this.#channel ??= await this.#open();
    while (flow.unblocked) await flow.unblocked;
    if (this.#isClosed) return await closeChannel(this.#connection, channel);
    this.#isSending = false;
    for (const item of this.#waiting.splice(0)) this.#write(channel, item);
    writes.schedule();
  }

  #open(): Promise<Channel> {
    const { onReturn, onClosed } = this.#hooks;
    const { sizes } = this.#connection;
    return this.#connection.openChannel((channel) => {
      channel.handlers = {
        onReturn,
        onClosed,
        onClosing(replyCode, replyText) {
          sizes.learn(replyCode, replyText);
          return undefined;
        },
      };
      return Promise.resolve(channel);
    });
  }

  #write(channel: Channel, item: Publication): void {
    const { queue: routingKey, body, properties, listener } = item;
    const { frameMax, writes } = this.#connection;
    const { id } = channel;
    if (channel.closed) return listener.failed(notConsumed());
    const target = { channel: id, exchange: "", routingKey, mandatory: true };
    try {
      writeMessage(writes.writer, frameMax, target, body, properties);
    } catch (error) {
      return listener.failed(unsendable(error));
    }
    writes.schedule();
  }

  /**
   * A channel does one thing after the other: the answer to whatever comes last
   * tells that all before it is done. Once in each write, for all who ask.
   */
  #ask(): void {
    const taken = this.#taken;
    // What waits is part of what is asked about.
    if (taken === undefined || !this.#channel || !this.#isReady) return;
    this.#taken = undefined;
    this.#channel.request("basic.qos", { prefetchCount: 0 }).then(
      () => taken.resolve(),
      (error) => taken.reject(channelFailure(error)),
    );
  }

  #fail(error: Error): void {
    const failure = channelFailure(error);
    this.#taken?.reject(failure);
    this.#taken = undefined;
    for (const { listener } of this.#waiting.splice(0)) {
      listener.failed(failure);
    }
  }
}
