/**
 * The two kinds of queue that RPC consumes: the caller's callback queue and
 * the server's request queue. Each has a channel to consume on and another to
 * publish on, so that an error of one kind can't take the other along unseen.
 *
 * @module
 */
import type { AMQPChannel, AMQPConsumer } from "@cloudamqp/amqp-client";
import { AsyncQueue } from "../rpc/async_queue.ts";
import type {
  CallbackQueue,
  Delivery,
  MessageProperties,
  PublishListener,
  QueueDeclaration,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
} from "../rpc/transport.ts";
import { RpcError } from "../rpc/errors.ts";
import { listenForCancels } from "./cancellation.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { atLast, closeChannel } from "./channels.ts";
import {
  canceled,
  type ConsumerTimeout,
  consumerTimeout,
  hasNoTimeout,
  isCanceled,
} from "./consumer_timeout.ts";
import { channelFailure, declarationFailure, replyCodeOf } from "./failures.ts";
import { QueueInspector } from "./inspector.ts";
import { consumeOwnQueue } from "./own_queue.ts";
import { AmqpPublisher } from "./publisher.ts";
import type { AmqpSocket } from "./socket.ts";

const NOT_FOUND = 404;
/**
 * Each channel has one consumer. The tag comes with every delivery, and
 * RabbitMQ writes to the network by the 1,414 bytes: those that it would choose
 * itself are 31 bytes long.
 */
const CONSUMER_TAG = "rpc";

/** A consumer and a publisher that live and end together. */
class ConsumedQueue {
  readonly #deliveries = new AsyncQueue<Delivery>();
  protected readonly publisher: AmqpPublisher;
  protected readonly channel: AMQPChannel;
  #consumer: AMQPConsumer | undefined;
  #canceling: Promise<void> | undefined;
  #isCanceled = false;
  #closing: Promise<void> | undefined;

  protected constructor(
    socket: AmqpSocket,
    channel: AMQPChannel,
    publisher: AmqpPublisher,
  ) {
    this.channel = channel;
    socket.handle(channel, {
      onDelivery: (delivery) => this.#deliveries.push(delivery),
    });
    this.publisher = publisher;
    // Replies can't be sent any more: what is consumed could not be answered.
    publisher.onClosed((reason) => this.end(new Error(reason)));
    channel.onerror = (reason) => this.end(new Error(reason));
  }

  protected async consume(
    queue: string,
    noAck: boolean,
    args?: Record<string, number>,
  ): Promise<void> {
    const consumer = await this.channel.basicConsume(
      queue,
      { noAck, tag: CONSUMER_TAG, args },
      () => {},
    );
    this.#consumer = consumer;
    consumer.wait().then(() => this.#deliveries.end(), (e) => this.end(e));
  }

  /** Leaves no channel behind where a step fails. */
  protected async orClosed(step: () => Promise<void>): Promise<this> {
    try {
      await step();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Nothing more is delivered; whoever reads hears why. */
  protected end(error: Error): void {
    this.#deliveries.end(channelFailure(error));
  }

  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    this.publisher.publish(queue, body, properties, listener);
  }

  cancel(): Promise<void> {
    // A channel that is gone delivers nothing: just what is wanted.
    return this.#canceling ??= atLast(
      this.channel,
      () => this.#consumer!.cancel(),
    ).finally(() => this.#isCanceled = true);
  }

  close(): Promise<void> {
    return this.#closing ??= this.doClose();
  }

  protected async doClose(): Promise<void> {
    const canceling = this.#isCanceled ? undefined : this.#canceling;
    // At once: a broker that does not answer is waited for only so long.
    await Promise.all([
      closeChannel(this.channel, canceling),
      this.publisher.close(),
    ]);
    this.#deliveries.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    return this.#deliveries;
  }
}

/** Exclusive, server-named, without acknowledgements. */
export class AmqpCallbackQueue extends ConsumedQueue implements CallbackQueue {
  #name = "";

  /** Declares and consumes it. */
  static async open(
    socket: AmqpSocket,
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<AmqpCallbackQueue> {
    const publisher = new AmqpPublisher(socket, onReturn);
    const opening = socket.openChannel((channel) => {
      const queue = new AmqpCallbackQueue(socket, channel, publisher);
      return queue.orClosed(() => queue.#start(socket));
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

  async #start(socket: AmqpSocket): Promise<void> {
    this.#name = await consumeOwnQueue(
      socket,
      this.channel,
      (queue) => this.consume(queue, true),
    );
  }

  get name(): string {
    return this.#name;
  }

  publishUnconfirmed(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    this.publisher.publishUnconfirmed(queue, body, properties, listener);
  }

  distrustUnconfirmed(): void {
    this.publisher.dropUnconfirmed();
  }
}

/** Taken as it is, or declared durable; acknowledged in runs. */
export class AmqpRequestQueue extends ConsumedQueue implements RequestQueue {
  readonly #socket: AmqpSocket;
  readonly #name: string;
  readonly #acks: Acknowledgements;
  readonly #unhook: () => void;
  readonly #cancels: AMQPChannel | undefined;

  private constructor(
    socket: AmqpSocket,
    name: string,
    channel: AMQPChannel,
    publisher: AmqpPublisher,
    cancels: AMQPChannel | undefined,
  ) {
    super(socket, channel, publisher);
    this.#socket = socket;
    this.#name = name;
    this.#cancels = cancels;
    // A server that once heard of cancels must not become deaf to them.
    if (cancels) cancels.onerror = (reason) => this.end(new Error(reason));
    this.#acks = new Acknowledgements((deliveryTag, multiple) => {
      if (!channel.closed) void channel.basicAck(deliveryTag, multiple);
    });
    this.#unhook = socket.writes.beforeFlush(() => this.#acks.flush());
  }

  /** Makes sure that it exists, and consumes it. */
  static async open(
    socket: AmqpSocket,
    name: string,
    options: RequestQueueOptions,
  ): Promise<AmqpRequestQueue> {
    await ensureQueue(socket, name, options);
    const { args, advice } = consumerTimeout(socket.peer, options.unackedMs);
    if (advice !== undefined) options.onImpatient(advice);
    try {
      return await AmqpRequestQueue.#open(socket, name, options, args);
    } catch (error) {
      if (args === undefined || !hasNoTimeout(error)) throw error;
      return await AmqpRequestQueue.#open(socket, name, options);
    }
  }

  static async #open(
    socket: AmqpSocket,
    name: string,
    options: RequestQueueOptions,
    args?: ConsumerTimeout["args"],
  ): Promise<AmqpRequestQueue> {
    const publisher = new AmqpPublisher(socket, options.onReturn);
    const listening = listenForCancels(socket, name, options.onCancel);
    try {
      const [cancels] = await Promise.all([listening, publisher.open()]);
      return await socket.openChannel((channel) => {
        const queue = new AmqpRequestQueue(
          socket,
          name,
          channel,
          publisher,
          cancels,
        );
        return queue.orClosed(() => queue.#start(options.prefetch, args));
      });
    } catch (error) {
      const closing = listening.then((cancels) =>
        cancels && closeChannel(cancels)
      );
      await Promise.allSettled([closing, publisher.close()]);
      throw error;
    }
  }

  async #start(
    prefetch: number,
    args: ConsumerTimeout["args"],
  ): Promise<void> {
    try {
      await Promise.all([
        this.channel.basicQos(prefetch),
        this.consume(this.#name, false, args),
      ]);
    } catch (error) {
      const isMissing = replyCodeOf(String(error)) === NOT_FOUND;
      throw isMissing ? noQueueYet(this.#name) : error;
    }
  }

  protected override end(error: Error): void {
    super.end(
      isCanceled(error) ? canceled(this.#socket.peer, this.#name) : error,
    );
  }

  ack(deliveryTag: number): void {
    this.#acks.add(deliveryTag);
    this.#socket.writes.schedule();
  }

  nack(deliveryTag: number, requeue: boolean): void {
    this.#acks.skip(deliveryTag);
    if (!this.channel.closed) void this.channel.basicNack(deliveryTag, requeue);
  }

  protected override async doClose(): Promise<void> {
    this.#acks.flush();
    this.#unhook();
    const cancels = this.#cancels;
    await Promise.all([cancels && closeChannel(cancels), super.doClose()]);
  }
}

/** Takes a queue as it is; what is missing is declared, or waited for. */
async function ensureQueue(
  socket: AmqpSocket,
  name: string,
  { declare, deliveryLimit }: RequestQueueOptions,
): Promise<void> {
  if (await mayExist(socket, name)) return;
  if (declare.mode === "passive") {
    throw noQueueYet(name);
  }
  const channel = await socket.channel();
  const declaring = channel.queueDeclare(name, { durable: true }, {
    ...(declare.type === "quorum" && {
      "x-queue-type": "quorum",
      "x-delivery-limit": deliveryLimit,
    }),
    ...(declare.deadLetterExchange !== undefined && {
      "x-dead-letter-exchange": declare.deadLetterExchange,
    }),
    ...exactArguments(declare.arguments),
  });
  try {
    await declaring;
  } catch (thrown) {
    const error = declarationFailure(name, thrown);
    // Another server may have declared it meanwhile, with other arguments.
    if (error.reason === "undeclarable" && await mayExist(socket, name)) return;
    throw error;
  }
  await closeChannel(channel);
}

/** The library would write whole numbers beyond 32 bits in 32 bits. */
function exactArguments(
  args: QueueDeclaration["arguments"] = {},
): Record<string, string | number | bigint | boolean> {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name,
      Number.isInteger(value) ? BigInt(value) : value,
    ]),
  );
}

/** Whoever may not look at a queue may consume it all the same. */
async function mayExist(socket: AmqpSocket, name: string): Promise<boolean> {
  try {
    return await new QueueInspector(socket).inspect(name) !== undefined;
  } catch (error) {
    if (error instanceof RpcError && error.reason === "refused") return true;
    throw error;
  }
}

function noQueueYet(name: string): RpcError {
  return new RpcError("unavailable", `there is no queue "${name}" yet`, {
    reason: "no_queue",
  });
}
