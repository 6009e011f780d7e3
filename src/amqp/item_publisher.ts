/**
 * Publishes the items of streams: in order, and without a confirm for each,
 * which would cost the broker a third of an item.
 *
 * @module
 */
import type { MessageProperties } from "../rpc/messages.ts";
import type { PublishListener, StreamPort } from "../rpc/transport.ts";
import type { ControlQueue } from "./cancellation.ts";
import type { Channel } from "./channel.ts";
import { channelFailure, unsendable } from "./channel_failures.ts";
import { notConsumed } from "./confirm_channel.ts";
import type { Publication } from "./confirms.ts";
import type { Connection } from "./connection.ts";
import { writeMessage } from "./message_frames.ts";

/**
 * For all streams from a request queue. Items go over the channel of the control
 * queue, which their callers answer to: brokers allow few channels.
 */
export class ItemPublisher implements StreamPort {
  /** See {@linkcode StreamPort.controlQueue}. */
  readonly controlQueue: string;
  readonly #connection: Connection;
  readonly #channel: Channel;
  readonly #unhook: () => void;
  /** Published while the connection took no messages. */
  readonly #waiting: Publication[] = [];
  /** Of whoever waits for what was published so far. */
  #taken: PromiseWithResolvers<void> | undefined;

  /** Publishes over a channel that is open. */
  constructor(connection: Connection, { name, channel }: ControlQueue) {
    this.controlQueue = name;
    this.#connection = connection;
    this.#channel = channel;
    this.#unhook = connection.writes.beforeFlush(() => this.#ask());
  }

  /** See {@linkcode StreamPort.publishItem}. */
  publishItem(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    const { sizes, flow } = this.#connection;
    if (body.length > sizes.limit) {
      listener.failed(sizes.tooLarge(body.length));
    } else if (this.#waiting.length > 0 || flow.unblocked) {
      this.#waiting.push({ queue, body, properties, listener });
      if (this.#waiting.length === 1) void this.#publishLater();
    } else this.#write({ queue, body, properties, listener });
  }

  /** See {@linkcode StreamPort.itemsTaken}. */
  itemsTaken(): Promise<void> {
    if (this.#channel.closed) return Promise.reject(notConsumed());
    this.#taken ??= Promise.withResolvers();
    this.#connection.writes.schedule();
    return this.#taken.promise;
  }

  /** Publishes nothing more. The channel is closed by whoever opened it. */
  close(): void {
    this.#unhook();
    this.#taken?.reject(notConsumed());
    this.#taken = undefined;
    for (const { listener } of this.#waiting.splice(0)) {
      listener.failed(notConsumed());
    }
  }

  /** In order, as soon as the connection takes messages. */
  async #publishLater(): Promise<void> {
    const { flow, writes } = this.#connection;
    while (flow.unblocked) await flow.unblocked;
    for (const item of this.#waiting.splice(0)) this.#write(item);
    // Whoever asks about them was not answered yet.
    writes.schedule();
  }

  #write({ queue: routingKey, body, properties, listener }: Publication): void {
    const { frameMax, writes } = this.#connection;
    const { id, closed } = this.#channel;
    if (closed) return listener.failed(notConsumed());
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
    if (taken === undefined || this.#waiting.length > 0) return;
    this.#taken = undefined;
    this.#channel.request("basic.qos", { prefetchCount: 0 }).then(
      () => taken.resolve(),
      (error) => taken.reject(channelFailure(error)),
    );
  }
}
