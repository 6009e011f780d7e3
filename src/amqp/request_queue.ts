/**
 * The server's queue: taken as it is, or declared durable; acknowledged in
 * runs.
 *
 * @module
 */
import { REPLY_CODES } from "../amqp091/errors.ts";
import { tableOf } from "../amqp091/values.ts";
import { failure, RpcError } from "../rpc/errors.ts";
import type { RequestQueue, RequestQueueOptions } from "../rpc/transport.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { type ControlQueue, listenForControl } from "./cancellation.ts";
import type { Channel } from "./channel.ts";
import { declarationFailure } from "./channel_failures.ts";
import { replyCodeOf } from "./closed_by_broker.ts";
import { closeChannel } from "./closing.ts";
import type { Connection } from "./connection.ts";
import { ConsumedQueue } from "./consumed_queue.ts";
import {
  canceled,
  CanceledByBroker,
  type ConsumerTimeout,
  consumerTimeout,
  hasNoTimeout,
} from "./consumer_timeout.ts";
import { QueueInspector } from "./inspector.ts";
import { ItemPublisher } from "./item_publisher.ts";
import { AmqpPublisher } from "./publisher.ts";

/** The parts of a request queue. */
interface Parts {
  readonly connection: Connection;
  readonly name: string;
  readonly channel: Channel;
  readonly publisher: AmqpPublisher;
  readonly control: ControlQueue | undefined;
  /** Resolves if a server that received control messages no longer does. */
  readonly deaf: Promise<Error>;
}

/** A request queue that one connection consumes. */
export class AmqpRequestQueue extends ConsumedQueue implements RequestQueue {
  readonly #name: string;
  readonly #acks: Acknowledgements;
  readonly #unhook: () => void;
  readonly #control: ControlQueue | undefined;
  /** See {@linkcode RequestQueue.streams}. */
  readonly streams: ItemPublisher | undefined;

  private constructor(parts: Parts) {
    const { connection, name, channel, publisher, control, deaf } = parts;
    super(connection, channel, publisher);
    this.#name = name;
    this.#control = control;
    this.streams = control && new ItemPublisher(connection, control);
    // A server that once received control messages must not miss them later,
    // and its streams could not go on.
    deaf.then((error) => this.end(error));
    this.#acks = new Acknowledgements((deliveryTag, multiple) => {
      if (!channel.closed) channel.send("basic.ack", { deliveryTag, multiple });
    });
    this.#unhook = connection.writes.beforeFlush(() => this.#acks.flush());
  }

  /** Makes sure that it exists, and consumes it. */
  static async open(
    connection: Connection,
    name: string,
    options: RequestQueueOptions,
  ): Promise<AmqpRequestQueue> {
    await ensureQueue(connection, name, options);
    const { args, advice } = consumerTimeout(
      connection.peer,
      options.unackedMs,
    );
    if (advice !== undefined) options.onConsumerTimeout(advice);
    try {
      return await AmqpRequestQueue.#open(connection, name, options, args);
    } catch (error) {
      if (args === undefined || !hasNoTimeout(error)) throw error;
      return await AmqpRequestQueue.#open(connection, name, options);
    }
  }

  static async #open(
    connection: Connection,
    name: string,
    options: RequestQueueOptions,
    args?: ConsumerTimeout["args"],
  ): Promise<AmqpRequestQueue> {
    const publisher = new AmqpPublisher(connection, options.onReturn);
    const { promise: deaf, resolve: onDeaf } = Promise.withResolvers<Error>();
    const listener = { ...options, onDeaf };
    const listening = listenForControl(connection, name, listener);
    try {
      const [control] = await Promise.all([listening, publisher.open()]);
      return await connection.openChannel((channel) => {
        const parts = { connection, name, channel, publisher, control, deaf };
        const queue = new AmqpRequestQueue(parts);
        return queue.orClosed(() => queue.#start(options.prefetch, args));
      });
    } catch (error) {
      const closing = listening.then((control) =>
        control && closeChannel(connection, control.channel)
      );
      await Promise.allSettled([closing, publisher.close()]);
      throw error;
    }
  }

  async #start(
    prefetchCount: number,
    args: ConsumerTimeout["args"],
  ): Promise<void> {
    try {
      await Promise.all([
        this.channel.request("basic.qos", { prefetchCount }),
        this.consume(this.#name, false, args),
      ]);
    } catch (error) {
      const isMissing = replyCodeOf(error) === REPLY_CODES.NOT_FOUND;
      throw isMissing ? noQueueYet(this.#name) : error;
    }
  }

  protected override end(error: Error): void {
    const isCanceled = error instanceof CanceledByBroker;
    super.end(isCanceled ? canceled(this.connection.peer, this.#name) : error);
  }

  ack(deliveryTag: number): void {
    this.#acks.add(deliveryTag);
    this.connection.writes.schedule();
  }

  nack(deliveryTag: number, requeue: boolean): void {
    this.#acks.skip(deliveryTag);
    const { channel } = this;
    if (!channel.closed) channel.send("basic.nack", { deliveryTag, requeue });
  }

  protected override async doClose(): Promise<void> {
    this.#acks.flush();
    this.#unhook();
    this.streams?.close();
    const control = this.#control;
    await Promise.all([
      control && closeChannel(this.connection, control.channel),
      super.doClose(),
    ]);
  }
}

/** Uses an existing queue as it is; a missing one is declared or waited for. */
async function ensureQueue(
  connection: Connection,
  queue: string,
  { declare, deliveryLimit }: RequestQueueOptions,
): Promise<void> {
  if (await mayExist(connection, queue)) return;
  if (declare.mode === "passive") throw noQueueYet(queue);
  const { deadLetterExchange, type } = declare;
  const args = tableOf({
    ...(type === "quorum" && {
      "x-queue-type": "quorum",
      "x-delivery-limit": deliveryLimit,
    }),
    ...(deadLetterExchange !== undefined && {
      "x-dead-letter-exchange": deadLetterExchange,
    }),
    ...declare.arguments,
  });
  await connection.openChannel(async (channel) => {
    try {
      await channel.request("queue.declare", {
        queue,
        durable: true,
        arguments: args,
      });
    } catch (thrown) {
      const error = declarationFailure(queue, thrown);
      // Another server may have declared it meanwhile, with other arguments.
      const isTaken = error.reason === "undeclarable" &&
        await mayExist(connection, queue);
      if (!isTaken) throw error;
    }
    await closeChannel(connection, channel);
  });
}

/** A user who may not inspect a queue may still be allowed to consume it. */
async function mayExist(
  connection: Connection,
  queue: string,
): Promise<boolean> {
  try {
    return await new QueueInspector(connection).inspect(queue) !== undefined;
  } catch (error) {
    if (error instanceof RpcError && error.reason === "refused") return true;
    throw error;
  }
}

function noQueueYet(name: string): RpcError {
  return failure("no_queue", `there is no queue "${name}" yet`);
}
