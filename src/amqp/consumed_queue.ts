/**
 * What the two kinds of queue that RPC consumes have in common. Each has a
 * channel to consume on and others to publish on, so that an error on one does
 * not silently end the other.
 *
 * @module
 */
import { tableOf } from "../amqp091/values.ts";
import { AsyncQueue } from "../async/queue.ts";
import type { Delivery, Publisher } from "../rpc/transport.ts";
import type { Channel } from "./channel.ts";
import { channelFailure } from "./channel_failures.ts";
import { atLast, closeChannel } from "./closing.ts";
import type { Connection } from "./connection.ts";
import { CanceledByBroker } from "./consumer_timeout.ts";
import type { AmqpPublisher } from "./publisher.ts";

/**
 * Each channel has one consumer. The tag comes with every delivery, and
 * RabbitMQ writes to the network by the 1,414 bytes: those that it would choose
 * itself are 31 bytes long.
 */
const CONSUMER_TAG = "rpc";

/** A consumer and a publisher that live and end together. */
export class ConsumedQueue {
  protected readonly connection: Connection;
  protected readonly channel: Channel;
  protected readonly publisher: AmqpPublisher;
  /** See {@linkcode Publisher.publish}. */
  readonly publish: Publisher["publish"];
  readonly #deliveries = new AsyncQueue<Delivery>();
  readonly #stopListening: () => void;
  #canceling: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  protected constructor(
    connection: Connection,
    channel: Channel,
    publisher: AmqpPublisher,
  ) {
    this.connection = connection;
    this.channel = channel;
    this.publisher = publisher;
    this.publish = publisher.publish.bind(publisher);
    channel.handlers = {
      onDelivery: this.#deliveries.push.bind(this.#deliveries),
      onCanceled: () => this.end(new CanceledByBroker()),
      onClosed: (error) => this.end(error),
    };
    // Without a publisher, requests could not be answered.
    publisher.onClosed((error) => this.end(error));
    this.#stopListening = connection.loss.listen((error) => this.end(error));
  }

  protected async consume(
    queue: string,
    noAck: boolean,
    args: Record<string, number> = {},
  ): Promise<void> {
    await this.channel.request("basic.consume", {
      queue,
      noAck,
      consumerTag: CONSUMER_TAG,
      arguments: tableOf(args),
    });
  }

  /** Leaves no channel behind if a step fails. */
  protected async orClosed(step: () => Promise<void>): Promise<this> {
    try {
      await step();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends the deliveries; the reader gets the error. */
  protected end(error: Error): void {
    this.#deliveries.end(channelFailure(error));
  }

  cancel(): Promise<void> {
    return this.#canceling ??= this.#cancel();
  }

  async #cancel(): Promise<void> {
    const { connection, channel } = this;
    // A closed channel delivers nothing, which is what is wanted.
    await atLast(
      connection,
      channel,
      () => channel.request("basic.cancel", { consumerTag: CONSUMER_TAG }),
    );
    this.#deliveries.end();
  }

  close(): Promise<void> {
    return this.#closing ??= this.doClose();
  }

  protected async doClose(): Promise<void> {
    // Both at the same time, since a broker that does not answer costs the
    // whole limit.
    await Promise.all([
      closeChannel(this.connection, this.channel),
      this.publisher.close(),
    ]);
    this.#stopListening();
    this.#deliveries.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    return this.#deliveries;
  }
}
