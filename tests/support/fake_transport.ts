// A broker in memory, and connections to it: queues, competing consumers with
// a prefetch, returns, confirms and redelivery as RabbitMQ has them, and the
// faults that a test asks for.

import { AsyncQueue } from "../../src/rpc/async_queue.ts";
import { RpcError } from "../../src/rpc/errors.ts";
import type {
  CallbackQueue,
  ConnectionEvent,
  Delivery,
  Link,
  LinkOptions,
  MessageProperties,
  Publisher,
  QueueInfo,
  RequestQueue,
  RequestQueueOptions,
  ReturnedMessage,
  Transport,
} from "../../src/rpc/transport.ts";
import { turns, within } from "./within.ts";

/** What can be held up; see {@linkcode FakeBroker.hold}. */
export type Step = "link" | "open" | "inspect" | "confirm" | "cancel";

/** What happens first on a lost link; with a real one it is up to chance. */
export type LossOrder = "deliveries end first" | "publishes fail first";

interface Message {
  readonly body: Uint8Array;
  readonly properties: MessageProperties;
  readonly redelivered: boolean;
}

type OnReturn = (message: ReturnedMessage) => void;

/** Holds queues and routes messages. */
export class FakeBroker {
  /** What happened: `publish Q`, `return Q`, `confirm Q`, `ack N`, and so on. */
  readonly log: string[] = [];
  /** Why new links fail, while there is a reason. */
  refusal: RpcError | undefined;
  readonly #queues = new Map<string, Queue>();
  readonly #gates = new Map<Step, PromiseWithResolvers<void>>();
  readonly #refusing = new Set<string>();
  readonly #listeners = new Map<string, ((correlationId: string) => void)[]>();
  #news = Promise.withResolvers<void>();
  #lastName = 0;

  /** A connection of its own. */
  connect(): FakeTransport {
    return new FakeTransport(this);
  }

  /** Makes sure that a queue is there. */
  declare(name: string): void {
    if (!this.#queues.has(name)) this.#queues.set(name, new Queue());
    this.note(`declare ${name}`);
  }

  /** A queue that only one connection uses, under a name of its own. */
  declareUnnamed(): string {
    const name = `amq.gen-${++this.#lastName}`;
    this.declare(name);
    return name;
  }

  /** Deletes a queue; its consumers are cancelled, their channels stay open. */
  delete(name: string): void {
    const queue = this.#queues.get(name);
    this.#queues.delete(name);
    this.note(`delete ${name}`);
    for (const consumer of queue?.consumers ?? []) {
      consumer.deliveries.end(lost("Consumer cancelled by the server"));
    }
  }

  /** Puts a message of nobody in particular into a queue. */
  send(
    name: string,
    body: string | Uint8Array,
    properties: MessageProperties = {},
  ): void {
    const bytes = typeof body === "string"
      ? new TextEncoder().encode(body)
      : body;
    const outcome = this.route(name, { body: bytes, properties });
    if (outcome !== "queued") throw new Error(`${name}: ${outcome}`);
  }

  /** Takes the oldest waiting message, once there is one. */
  async take(name: string): Promise<Message & { text: string }> {
    const waiting = () => this.#queues.get(name)?.messages.length ?? 0;
    await this.until(`a message in ${name}`, () => waiting() > 0);
    const message = this.#queues.get(name)!.messages.shift()!;
    return { ...message, text: new TextDecoder().decode(message.body) };
  }

  /** Somebody else's server of a queue, which does what the test does. */
  async serve(name: string): Promise<RequestQueue> {
    const link = await this.connect().link();
    const ignore = () => {};
    return await link.openRequestQueue(name, {
      prefetch: 10,
      declare: {},
      deliveryLimit: 20,
      onCancel: ignore,
      onReturn: ignore,
    });
  }

  /** From now on every message to this queue is refused (nacked). */
  refuse(name: string): void {
    this.#refusing.add(name);
  }

  /** Tells the servers of a queue that a call is canceled. */
  cancelCall(queue: string, correlationId: string): void {
    this.note(`cancel call on ${queue}`);
    for (const hear of this.#listeners.get(queue) ?? []) hear(correlationId);
  }

  /** Hears of canceled calls. */
  listen(queue: string, onCancel: (correlationId: string) => void): void {
    const listeners = this.#listeners.get(queue) ?? [];
    this.#listeners.set(queue, [...listeners, onCancel]);
  }

  /** Holds up a step of everybody's, until the function returned is called. */
  hold(step: Step): () => void {
    const gate = Promise.withResolvers<void>();
    this.#gates.set(step, gate);
    return () => {
      this.#gates.delete(step);
      gate.resolve();
    };
  }

  /** Resolves when a step may be taken. */
  passed(step: Step): Promise<void> {
    return this.#gates.get(step)?.promise ?? Promise.resolve();
  }

  /** Resolves at the next event. */
  get news(): Promise<void> {
    return this.#news.promise;
  }

  /** Writes to the log. */
  note(event: string): void {
    this.log.push(event);
    const news = this.#news;
    this.#news = Promise.withResolvers();
    news.resolve();
  }

  /** Waits for a condition that depends on what this broker does. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const waiting = async () => {
      while (!holds()) await this.news;
    };
    try {
      await within(what, waiting());
    } catch (error) {
      throw new Error(`${error}; last seen: ${this.log.slice(-30).join(", ")}`);
    }
  }

  /** Waits for an entry of the log. */
  seen(event: string): Promise<void> {
    return this.until(event, () => this.log.includes(event));
  }

  inspect(name: string): QueueInfo | undefined {
    const queue = this.#queues.get(name);
    return queue && {
      queue: name,
      messages: queue.messages.length,
      consumers: queue.consumers.length,
    };
  }

  route(
    name: string,
    message: Omit<Message, "redelivered">,
  ): "returned" | "refused" | "queued" {
    this.note(`publish ${name}`);
    const queue = this.#queues.get(name);
    if (queue === undefined) return "returned";
    if (this.#refusing.has(name)) return "refused";
    queue.messages.push({ ...message, redelivered: false });
    queue.deliver();
    return "queued";
  }

  /** The queue of this name; the caller has seen to it that there is one. */
  queue(name: string): Queue {
    return this.#queues.get(name)!;
  }
}

class Queue {
  messages: Message[] = [];
  consumers: Consumer[] = [];

  deliver(): void {
    while (this.messages.length > 0) {
      const next = this.consumers.findIndex((consumer) => consumer.hasRoom);
      if (next === -1) return;
      // Whoever got one goes to the end of the line.
      const [consumer] = this.consumers.splice(next, 1);
      this.consumers.push(consumer);
      consumer.deliver(this.messages.shift()!);
    }
  }

  /** Deliveries that came back keep their place at the head. */
  giveBack(messages: Iterable<Message>): void {
    const again = [...messages].map((it) => ({ ...it, redelivered: true }));
    this.messages.unshift(...again);
    this.deliver();
  }
}

class Consumer {
  readonly deliveries = new AsyncQueue<Delivery>();
  readonly unacknowledged = new Map<number, Message>();
  readonly queue: Queue;
  readonly #prefetch: number;
  readonly #noAck: boolean;
  #lastTag = 0;

  constructor(queue: Queue, prefetch?: number) {
    this.queue = queue;
    this.#prefetch = prefetch ?? 1;
    this.#noAck = prefetch === undefined;
    queue.consumers.push(this);
    queue.deliver();
  }

  get hasRoom(): boolean {
    return this.unacknowledged.size < this.#prefetch;
  }

  deliver(message: Message): void {
    const deliveryTag = ++this.#lastTag;
    if (!this.#noAck) this.unacknowledged.set(deliveryTag, message);
    // A peer never holds the very bytes and tables of the other.
    this.deliveries.push(structuredClone({ ...message, deliveryTag }));
  }

  settle(deliveryTag: number): Message {
    const message = this.unacknowledged.get(deliveryTag);
    if (message === undefined) {
      throw new Error(
        `PRECONDITION_FAILED unknown delivery tag ${deliveryTag}`,
      );
    }
    this.unacknowledged.delete(deliveryTag);
    return message;
  }

  cancel(): void {
    const { consumers } = this.queue;
    const index = consumers.indexOf(this);
    if (index !== -1) consumers.splice(index, 1);
  }

  /** The channel is gone. */
  giveBackAll(): void {
    this.cancel();
    const messages = [...this.unacknowledged.values()];
    this.unacknowledged.clear();
    this.queue.giveBack(messages);
  }
}

/** The channels that one queue is consumed and published to over. */
abstract class Channels implements Publisher {
  protected readonly broker: FakeBroker;
  protected readonly consumer: Consumer;
  protected closed = false;
  readonly #gone = Promise.withResolvers<RpcError>();
  readonly #onReturn: OnReturn;

  constructor(broker: FakeBroker, consumer: Consumer, onReturn: OnReturn) {
    this.broker = broker;
    this.consumer = consumer;
    this.#onReturn = onReturn;
  }

  async publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
  ): Promise<void> {
    if (this.closed) throw lost("Channel is closed");
    for (const value of Object.values(properties.headers ?? {})) {
      if (typeof value !== "function") continue;
      throw new RpcError("invalid_argument", "the message can't be sent");
    }
    // It reaches the broker later, if the link still stands then.
    await Promise.resolve();
    if (this.closed) throw lost("Channel is closed");
    const outcome = this.broker.route(queue, { body, properties });
    if (outcome === "returned") this.#return(queue, properties);
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
    this.consumer.deliveries.end(error);
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
    super(broker, new Consumer(broker.queue(name)), onReturn);
    this.name = name;
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
  readonly #name: string;

  constructor(
    broker: FakeBroker,
    name: string,
    { prefetch, onReturn, onCancel }: RequestQueueOptions,
  ) {
    super(broker, new Consumer(broker.queue(name), prefetch), onReturn);
    broker.listen(name, onCancel);
    this.#name = name;
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

class FakeLink implements Link {
  readonly vhost = "/";
  readonly #broker: FakeBroker;
  readonly #channels = new Set<Channels>();
  readonly #lost = Promise.withResolvers<Error>();

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

  async inspect(queue: string): Promise<QueueInfo | undefined> {
    this.#broker.note(`inspect ${queue}`);
    await this.#broker.passed("inspect");
    return this.#broker.inspect(queue);
  }

  async lose(order: LossOrder): Promise<void> {
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
  #link: FakeLink | undefined;

  constructor(broker: FakeBroker) {
    this.#broker = broker;
  }

  /** Waits by events of the broker, where a real one waits by a backoff. */
  async link({ patient = false, signal }: LinkOptions = {}): Promise<Link> {
    const aborted = abortOf(signal);
    while (true) {
      await Promise.race([this.#broker.passed("link"), aborted]);
      signal?.throwIfAborted();
      const { refusal } = this.#broker;
      if (refusal === undefined) break;
      if (!patient || refusal.reason !== "broker_unreachable") throw refusal;
      this.#broker.note("unreachable");
      await Promise.race([this.#broker.news, aborted]);
    }
    if (this.#link === undefined) {
      this.#link = new FakeLink(this.#broker);
      this.#broker.note("linked");
    }
    return this.#link;
  }

  /** Nothing to tell: tests see the log of the broker. */
  events(): AsyncIterableIterator<ConnectionEvent> {
    const events = new AsyncQueue<ConnectionEvent>();
    events.end();
    return events;
  }

  /** Breaks the link, if there is one; the next `link()` makes another. */
  async lose(order: LossOrder = "deliveries end first"): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    await link?.lose(order);
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

/** For links: nobody is there. */
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

function lost(message: string): RpcError {
  return new RpcError("unavailable", `the broker ended it: ${message}`, {
    reason: "connection_lost",
  });
}

/** For consuming a request queue by hand, without what a server asks for. */
export function requestOptions(
  options: Partial<RequestQueueOptions> = {},
): RequestQueueOptions {
  return {
    prefetch: 1,
    declare: {},
    deliveryLimit: 20,
    onCancel: () => {},
    onReturn: () => {},
    ...options,
  };
}
