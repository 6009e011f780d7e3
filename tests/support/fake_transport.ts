// A broker in memory, and connections to it: returns, confirms and lost connections
// as RabbitMQ has them, and the faults that a test asks for.

import { AsyncQueue } from "../../src/async/queue.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import { MemoryConsumer } from "../../src/rpc/memory/queue.ts";
import type { MessageProperties } from "../../src/rpc/messages.ts";
import type {
  BrokerConnection,
  CallbackQueue,
  ConnectionEvent,
  ConnectionOptions,
  Delivery,
  Publisher,
  PublishListener,
  QueueInfo,
  ReplyQueueKind,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
  StreamPort,
  Transport,
} from "../../src/rpc/transport.ts";
import { BrokerModel, lost } from "./broker_model.ts";
import { turns } from "./within.ts";

/** What happens first on a lost connection; with a real one it is up to chance. */
export type LossOrder = "deliveries end first" | "publishes fail first";

type OnReturn = (message: ReturnedMessage) => void;

/** Where everybody meets. */
export class FakeBroker extends BrokerModel {
  /** A connection of its own. */
  connect(): FakeTransport {
    return new FakeTransport(this);
  }

  /** Somebody else's server of a queue, which does what the test does. */
  async serve(name: string): Promise<RequestQueue> {
    const connection = await this.connect().connection();
    const ignore = () => {};
    return await connection.openRequestQueue(name, {
      prefetch: 10,
      declare: {},
      deliveryLimit: 20,
      unackedMs: 30_000,
      onConsumerTimeout: ignore,
      onCancel: ignore,
      onControl: ignore,
      onReturn: ignore,
    });
  }
}

/** The channels that one queue is consumed and published to over. */
abstract class Channels implements Publisher {
  protected readonly broker: FakeBroker;
  protected readonly consumer: MemoryConsumer;
  protected closed = false;
  readonly #gone = Promise.withResolvers<RpcError>();
  readonly #onReturn: OnReturn;

  constructor(
    broker: FakeBroker,
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
    this.send(queue, body, properties, true).then(
      () => listener.confirmed(),
      (error) => listener.failed(error),
    );
  }

  /** Resolves when what was published last can't be confirmed any more. */
  protected get gone(): Promise<RpcError> {
    return this.#gone.promise;
  }

  protected async send(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    confirm: boolean,
  ): Promise<void> {
    if (this.closed) throw lost("Channel is closed");
    for (const name of Object.keys(properties.headers ?? {})) {
      if (name.length <= 255) continue;
      throw new RpcError("invalid_argument", "the message can't be sent");
    }
    // It reaches the broker later, if the connection still stands then.
    await Promise.resolve();
    if (this.closed) throw lost("Channel is closed");
    const outcome = this.broker.route(queue, { body, properties });
    if (outcome === "returned") this.#return(queue, properties);
    if (!confirm) return;
    const held = this.broker.passed("confirm");
    const error = await Promise.race([held, this.#gone.promise]);
    if (error) throw error;
    this.broker.note(`confirm ${queue}`);
    if (outcome !== "refused") return;
    throw new RpcError("resource_exhausted", "the broker refused the message", {
      reason: "rejected",
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery> {
    yield* this.consumer.deliveries;
  }

  end(): void {
    this.closed = true;
    this.consumer.giveBackAll();
  }

  failPublishes(error: RpcError): void {
    this.#gone.resolve(error);
  }

  endDeliveries(error?: Error): void {
    this.consumer.end(error);
  }

  #return(routingKey: string, properties: MessageProperties): void {
    this.broker.note(`return ${routingKey}`);
    const replyCode = 312;
    this.#onReturn({
      properties,
      routingKey,
      replyCode,
      replyText: "NO_ROUTE",
    });
  }
}

class FakeCallbackQueue extends Channels implements CallbackQueue {
  readonly name: string;

  constructor(broker: FakeBroker, name: string, onReturn: OnReturn) {
    super(broker, new MemoryConsumer(broker.queue(name)), onReturn);
    this.name = name;
  }

  publishUnconfirmed(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
    listener: PublishListener,
  ): void {
    this.send(queue, body, properties, false)
      .catch((error) => listener.failed(error));
  }

  distrustUnconfirmed(): void {
    this.broker.note("distrust");
  }

  close(): Promise<void> {
    this.end();
    this.endDeliveries();
    this.failPublishes(lost("Channel closed by client"));
    return Promise.resolve();
  }

  /** An exclusive queue goes with its connection. */
  override end(): void {
    super.end();
    this.broker.delete(this.name);
  }
}

class FakeRequestQueue extends Channels implements RequestQueue {
  readonly streams: StreamPort;
  readonly #control: MemoryConsumer;
  readonly #name: string;

  constructor(
    broker: FakeBroker,
    name: string,
    { prefetch, onReturn, onCancel, onControl }: RequestQueueOptions,
  ) {
    super(broker, new MemoryConsumer(broker.queue(name), prefetch), onReturn);
    broker.listen(name, onCancel);
    this.#name = name;
    const controlQueue = broker.declareControl();
    this.#control = new MemoryConsumer(broker.queue(controlQueue));
    this.streams = {
      controlQueue,
      publishItem: (queue, body, properties, listener) =>
        void this.send(queue, body, properties, false)
          .catch((error) => listener.failed(error)),
      itemsTaken: () => this.#itemsTaken(),
    };
    void this.#listen(onControl);
  }

  async #itemsTaken(): Promise<void> {
    const held = this.broker.passed("confirm");
    const error = await Promise.race([held, this.gone]);
    if (error) throw error;
    if (this.closed) throw lost("Channel is closed");
  }

  async #listen(onControl: RequestQueueOptions["onControl"]): Promise<void> {
    for await (const { properties } of this.#control.deliveries) {
      onControl(properties);
    }
  }

  override end(): void {
    super.end();
    this.#control.end();
    this.broker.deleteControl(this.streams.controlQueue);
  }

  ack(deliveryTag: number): void {
    if (this.closed) return;
    this.consumer.settle(deliveryTag);
    this.broker.note(`ack ${deliveryTag}`);
    this.consumer.queue.deliver();
  }

  nack(deliveryTag: number, requeue: boolean): void {
    if (this.closed) return;
    const message = this.consumer.settle(deliveryTag);
    this.broker.note(`${requeue ? "requeue" : "drop"} ${deliveryTag}`);
    if (requeue) this.consumer.queue.giveBack([message]);
  }

  async cancel(): Promise<void> {
    // What is written after it reaches the broker after it, held up or not.
    this.consumer.cancel();
    this.broker.note(`cancel ${this.#name}`);
    await this.broker.passed("cancel");
    this.endDeliveries();
  }

  close(): Promise<void> {
    this.broker.note(`close ${this.#name}`);
    this.end();
    this.endDeliveries();
    this.failPublishes(lost("Channel closed by client"));
    return Promise.resolve();
  }
}

class FakeConnection implements BrokerConnection {
  readonly vhost = "/";
  readonly unblocked = undefined;
  readonly #broker: FakeBroker;
  readonly #channels = new Set<Channels>();
  readonly #lost = Promise.withResolvers<Error>();
  #isLost = false;

  constructor(broker: FakeBroker) {
    this.#broker = broker;
  }

  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  cancelCall(queue: string, correlationId: string): Promise<void> {
    this.#broker.cancelCall(queue, correlationId);
    return Promise.resolve();
  }

  async openCallbackQueue(onReturn: OnReturn): Promise<CallbackQueue> {
    await this.#broker.passed("open");
    const name = this.#broker.declareUnnamed();
    return this.#keep(new FakeCallbackQueue(this.#broker, name, onReturn));
  }

  async openRequestQueue(
    queue: string,
    options: RequestQueueOptions,
  ): Promise<RequestQueue> {
    await this.#broker.passed("open");
    if (options.declare.mode !== "passive") this.#broker.declare(queue);
    if (this.#broker.inspect(queue) === undefined) throw missing(queue);
    const opened = new FakeRequestQueue(this.#broker, queue, options);
    this.#broker.note(`consume ${queue}`);
    return this.#keep(opened);
  }

  async rttMs(): Promise<number> {
    await this.#broker.passed("inspect");
    return 1;
  }

  async inspect(queue: string): Promise<QueueInfo | undefined> {
    this.#broker.note(`inspect ${queue}`);
    await Promise.race([this.#broker.passed("inspect"), this.#lost.promise]);
    if (this.#isLost) throw lost("Socket closed");
    if (this.#broker.inspectFailure) throw this.#broker.inspectFailure;
    return this.#broker.inspect(queue);
  }

  async checkReplyTo(queue: string): Promise<ReplyQueueKind> {
    this.#broker.note(`check ${queue}`);
    const info = this.#broker.inspect(queue);
    const { checkFailure, losesChecks } = this.#broker;
    if (losesChecks) await new Promise(() => {});
    await Promise.race([this.#broker.passed("check"), this.#lost.promise]);
    if (this.#isLost) throw lost("Socket closed");
    if (checkFailure) throw checkFailure;
    if (info === undefined) return "missing";
    return this.#broker.isExclusive(queue) ? "exclusive" : "shared";
  }

  async lose(order: LossOrder): Promise<void> {
    this.#isLost = true;
    const error = lost("Socket closed");
    for (const channels of this.#channels) channels.end();
    const ends = () => this.#channels.forEach((it) => it.endDeliveries(error));
    const fails = () => this.#channels.forEach((it) => it.failPublishes(error));
    const [first, second] = order === "deliveries end first"
      ? [ends, fails]
      : [fails, ends];
    first();
    await turns();
    second();
    this.#lost.resolve(error);
  }

  #keep<T extends Channels>(channels: T): T {
    this.#channels.add(channels);
    return channels;
  }
}

/** A connection to a {@linkcode FakeBroker} that a test can break. */
export class FakeTransport implements Transport {
  readonly #broker: FakeBroker;
  #connection: FakeConnection | undefined;

  constructor(broker: FakeBroker) {
    this.#broker = broker;
  }

  /** Waits by events of the broker, where a real one waits by a backoff. */
  async connection(
    { patient = false, signal }: ConnectionOptions = {},
  ): Promise<BrokerConnection> {
    const aborted = abortOf(signal);
    while (true) {
      await Promise.race([this.#broker.passed("connection"), aborted]);
      signal?.throwIfAborted();
      const { refusal } = this.#broker;
      if (refusal === undefined) break;
      if (!patient || refusal.reason !== "broker_unreachable") throw refusal;
      this.#broker.note("unreachable");
      await Promise.race([this.#broker.news, aborted]);
    }
    if (this.#connection === undefined) {
      this.#connection = new FakeConnection(this.#broker);
      this.#broker.note("connected");
    }
    return this.#connection;
  }

  /** Nothing to tell: tests see the log of the broker. */
  events(): AsyncIterableIterator<ConnectionEvent> {
    const events = new AsyncQueue<ConnectionEvent>();
    events.end();
    return events;
  }

  /** Breaks the connection, if there is one; the next `connection()` makes another. */
  async lose(order: LossOrder = "deliveries end first"): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.lose(order);
  }

  async close(): Promise<void> {
    await this.lose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Resolves when the signal is aborted. */
function abortOf(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** For connections: nobody is there. */
export function unreachable(): RpcError {
  return new RpcError("unavailable", "cannot reach a broker", {
    reason: "broker_unreachable",
  });
}

function missing(queue: string): RpcError {
  return new RpcError("unavailable", `there is no queue "${queue}" yet`, {
    reason: "no_queue",
  });
}
