/**
 * Queues that are consumed and published from over a connection in memory.
 *
 * @module
 */
import { failure, type RpcError } from "../errors.ts";
import type { MessageProperties } from "../messages.ts";
import type {
  CallbackQueue,
  Delivery,
  Publisher,
  PublishListener,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
  StreamPort,
} from "../transport.ts";
import type { MemoryBroker } from "./broker.ts";
import { MemoryConsumer } from "./queue.ts";

type OnReturn = (message: ReturnedMessage) => void;

const NO_ROUTE = { replyCode: 312, replyText: "NO_ROUTE" };

/** The channel that one queue is consumed and published to over. */
abstract class MemoryChannel implements Publisher {
  protected readonly broker: MemoryBroker;
  protected readonly consumer: MemoryConsumer;
  protected closed = false;
  readonly #onReturn: OnReturn;

  constructor(
    broker: MemoryBroker,
    consumer: MemoryConsumer,
    onReturn: OnReturn,
  ) {
    this.broker = broker;
    this.consumer = consumer;
    this.#onReturn = onReturn;
  }

  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    // Over a network it arrives later, too: what the caller does next is first.
    queueMicrotask(() => this.#arrive(queue, body, properties, listener));
  }

  #arrive(
    routingKey: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    if (this.closed) return listener.failed(connectionLost());
    const routed = this.broker.publish(routingKey, body, properties);
    if (routed === "returned") {
      this.#onReturn({ properties, routingKey, ...NO_ROUTE });
    }
    listener.confirmed();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    return this.consumer.deliveries;
  }

  /** Gives back what is not acknowledged; its reader ends, by the error if any. */
  end(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.consumer.giveBackAll();
    this.consumer.end(error);
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }
}

/** The queue that replies come to; exclusive, so that it goes when it ends. */
export class MemoryCallbackQueue extends MemoryChannel
  implements CallbackQueue {
  readonly name: string;

  constructor(broker: MemoryBroker, name: string, onReturn: OnReturn) {
    super(broker, new MemoryConsumer(broker.declare(name)), onReturn);
    this.name = name;
  }

  publishUnconfirmed(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    this.publish(queue, body, properties, listener);
  }

  /** Nothing is lost on the way. */
  distrustUnconfirmed(): void {}

  override end(error?: Error): void {
    super.end(error);
    this.broker.delete(this.name);
  }
}

/** A request queue that is being consumed. */
export class MemoryRequestQueue extends MemoryChannel implements RequestQueue {
  readonly streams: StreamPort;
  readonly #control: MemoryConsumer;
  readonly #stopListening: () => void;

  constructor(
    broker: MemoryBroker,
    name: string,
    { prefetch, onReturn, onCancel, onControl }: RequestQueueOptions,
  ) {
    super(broker, new MemoryConsumer(broker.declare(name), prefetch), onReturn);
    this.#stopListening = broker.listen(name, onCancel);
    const controlQueue = broker.declareUnnamed();
    this.#control = new MemoryConsumer(broker.declare(controlQueue));
    this.streams = {
      controlQueue,
      publishItem: this.publish.bind(this),
      itemsTaken: this.#itemsTaken.bind(this),
    };
    void this.#listen(onControl);
  }

  async #itemsTaken(): Promise<void> {
    // Each of them arrives in a microtask that was asked for before.
    await Promise.resolve();
    if (this.closed) throw connectionLost();
  }

  async #listen(onControl: RequestQueueOptions["onControl"]): Promise<void> {
    for await (const { properties } of this.#control.deliveries) {
      onControl(properties);
    }
  }

  ack(deliveryTag: number): void {
    if (this.closed) return;
    this.consumer.settle(deliveryTag);
    this.consumer.queue.deliver();
  }

  nack(deliveryTag: number, requeue: boolean): void {
    if (this.closed) return;
    const message = this.consumer.settle(deliveryTag);
    if (requeue) this.consumer.queue.giveBack([message]);
    else this.consumer.queue.deliver();
  }

  cancel(): Promise<void> {
    this.consumer.cancel();
    this.consumer.end();
    return Promise.resolve();
  }

  override end(error?: Error): void {
    this.#stopListening();
    this.broker.delete(this.streams.controlQueue);
    this.#control.end();
    super.end(error);
  }
}

/** What ends whatever goes over a connection that is gone. */
export function connectionLost(): RpcError {
  return failure("connection_lost", "the connection was closed");
}
