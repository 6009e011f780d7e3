/**
 * The caller's queue: exclusive, server-named, without acknowledgements.
 *
 * @module
 */
import type { CallbackQueue, ReturnedMessage } from "../rpc/transport.ts";
import type { Channel } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { ConsumedQueue } from "./consumed_queue.ts";
import { consumeOwnQueue } from "./own_queue.ts";
import { AmqpPublisher } from "./publisher.ts";

/** A callback queue on one connection. */
export class AmqpCallbackQueue extends ConsumedQueue implements CallbackQueue {
  /** See {@linkcode CallbackQueue.publishUnconfirmed}. */
  readonly publishUnconfirmed: CallbackQueue["publishUnconfirmed"];
  /** See {@linkcode CallbackQueue.distrustUnconfirmed}. */
  readonly distrustUnconfirmed: CallbackQueue["distrustUnconfirmed"];
  #name = "";

  private constructor(
    connection: Connection,
    channel: Channel,
    publisher: AmqpPublisher,
  ) {
    super(connection, channel, publisher);
    this.publishUnconfirmed = publisher.publishUnconfirmed.bind(publisher);
    this.distrustUnconfirmed = publisher.dropUnconfirmed.bind(publisher);
  }

  /** Declares and consumes it. */
  static async open(
    connection: Connection,
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<AmqpCallbackQueue> {
    const publisher = new AmqpPublisher(connection, onReturn);
    const opening = connection.openChannel((channel) => {
      const queue = new AmqpCallbackQueue(connection, channel, publisher);
      return queue.orClosed(() => queue.#start());
    });
    try {
      const [queue] = await Promise.all([opening, publisher.open()]);
      return queue;
    } catch (error) {
      const closing = opening.then((queue) => queue.close());
      await Promise.allSettled([closing, publisher.close()]);
      throw error;
    }
  }

  async #start(): Promise<void> {
    this.#name = await consumeOwnQueue(
      this.connection,
      this.channel,
      (queue) => this.consume(queue, true),
    );
  }

  get name(): string {
    return this.#name;
  }
}
