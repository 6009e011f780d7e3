/**
 * One channel: what a client has set up on it, and the deliveries it has not
 * settled. Its methods are handled in methods/.
 */
import type { Access } from "./access.ts";
import { writeMethod } from "../../amqp091/arguments.ts";
import { Confirms } from "./confirms.ts";
import type { ChannelConsumer, ConsumerChannel } from "./consumer.ts";
import { consumerTimeoutMs } from "./consumer_timeout.ts";
import { Content } from "./content.ts";
import type { ReplyConsumer } from "../routing/direct_reply_to.ts";
import type { Interference } from "./host.ts";
import type { Entry } from "../routing/lane.ts";
import type { Message } from "../routing/message.ts";
import type { Arguments, BrokerMethod } from "../../amqp091/methods.ts";
import type { Settings } from "../options.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Queue, QueueOwner } from "../routing/queue.ts";
import type { Transaction } from "./transaction.ts";
import { Delivery, Unacked } from "./unacked.ts";
import type { VHost } from "../routing/vhost.ts";
import type { Writer } from "../../amqp091/writer.ts";

/** What a channel needs of its connection. */
export interface ChannelConnection extends QueueOwner {
  readonly vhost: VHost;
  readonly access: Access;
  readonly outgoing: Outgoing;
  readonly frameMax: number;
  readonly settings: Settings;
  readonly faults: Interference;
  /** Whether the client wants to be told when the broker ends a consumer. */
  readonly cancelNotify: boolean;
  /** Called when the client reads too slowly to go on. */
  tooSlow(): void;
}

/** "starting" until channel.open; "closing" until the client's close-ok. */
export type ChannelState = "starting" | "open" | "closing";

/** A channel. */
export class Channel implements ConsumerChannel, ReplyConsumer {
  state: ChannelState = "starting";
  readonly content: Content;
  readonly confirms: Confirms = new Confirms();
  readonly consumers: Map<string, ChannelConsumer> = new Map();
  readonly unacked: Unacked = new Unacked();
  transaction: Transaction | undefined;
  /** The prefetch of consumers that are added from now on. */
  prefetch = 0;
  /** The prefetch of the channel as a whole. */
  globalPrefetch = 0;
  /** The queue declared last, which an empty queue name stands for. */
  lastQueue = "";
  /** Its consumer of "amq.rabbitmq.reply-to"; `name` is where replies go. */
  reply: { readonly tag: string; readonly name: string } | undefined;
  #nextTag = 1;

  constructor(
    readonly number: number,
    readonly connection: ChannelConnection,
  ) {
    this.content = new Content(connection.settings.maxMessageSize);
  }

  get out(): Writer {
    return this.connection.outgoing.output;
  }

  get vhost(): VHost {
    return this.connection.vhost;
  }

  get access(): Access {
    return this.connection.access;
  }

  /** Sends a method; arguments left out are 0, false or empty. */
  send<N extends BrokerMethod>(
    name: N,
    args: Partial<Arguments<N>> = {},
  ): void {
    writeMethod(this.out, this.number, name, args);
  }

  /** Sends the message that the method before it announced. */
  sendContent({ content, bodyStart }: Message): void {
    const { frameMax } = this.connection;
    this.out.content(this.number, content, bodyStart, frameMax);
  }

  #deliver(
    message: Message,
    delivered: Pick<
      Arguments<"basic.deliver">,
      "consumerTag" | "deliveryTag" | "redelivered"
    >,
  ): void {
    const { exchange, routingKey } = message;
    this.send("basic.deliver", { ...delivered, exchange, routingKey });
    this.sendContent(message);
    this.connection.outgoing.schedule();
  }

  canTake(noAck: boolean): boolean {
    if (this.state !== "open" || this.connection.outgoing.congested) {
      return false;
    }
    return noAck || this.globalPrefetch === 0 ||
      this.unacked.size < this.globalPrefetch;
  }

  deliver(consumer: ChannelConsumer, entry: Entry): void {
    const { redelivered } = entry;
    const message = consumer.queue.deliverable(entry);
    const deliveryTag = consumer.noAck
      ? this.untracked()
      : this.track(entry, consumer.queue, consumer);
    this.#deliver(message, {
      consumerTag: consumer.tag,
      deliveryTag,
      redelivered,
    });
  }

  /** Remembers a delivery until it is settled; returns its tag. */
  track(entry: Entry, queue: Queue, consumer?: ChannelConsumer): number {
    const tag = this.#nextTag++;
    const timeoutMs = consumerTimeoutMs(
      queue,
      consumer,
      this.connection.settings.consumerTimeoutMs,
      this.vhost.behavior,
    );
    const dueAt = performance.now() + timeoutMs;
    this.unacked.add(new Delivery(tag, entry, queue, consumer, dueAt));
    if (consumer !== undefined) consumer.unacked++;
    return tag;
  }

  /** The tag of a delivery that needs no settling. */
  untracked(): number {
    return this.#nextTag++;
  }

  deliverReply(message: Message): void {
    if (this.reply === undefined) return;
    // No queue could keep the reply until the client has caught up.
    if (this.connection.outgoing.congested) {
      this.connection.tooSlow();
      return;
    }
    this.#deliver(message, {
      consumerTag: this.reply.tag,
      deliveryTag: this.untracked(),
      redelivered: false,
    });
  }

  cancelConsumer(consumer: ChannelConsumer): void {
    this.consumers.delete(consumer.tag);
    if (!this.connection.cancelNotify) return;
    this.send("basic.cancel", { consumerTag: consumer.tag, noWait: true });
    this.connection.outgoing.schedule();
  }

  /** Ends its consumer of "amq.rabbitmq.reply-to". */
  endReplies(): void {
    if (this.reply !== undefined) {
      this.vhost.replyConsumers.remove(this.reply.name);
    }
    this.reply = undefined;
  }

  /** Puts deliveries back into their queues, counted as failed or not. */
  requeue(deliveries: readonly Delivery[], failed: boolean): void {
    for (const delivery of deliveries) delivery.putBack(failed);
    this.released(deliveries);
    for (const queue of new Set(deliveries.map((d) => d.queue))) queue.pump();
  }

  /**
   * Puts back all deliveries of a queue although the client still has them;
   * returns how many.
   */
  takeBack(queue: Queue): number {
    let count = 0;
    for (const delivery of this.unacked) {
      if (delivery.queue === queue && delivery.putBack()) count++;
    }
    return count;
  }

  /** Lets consumers take more, now that these deliveries are settled. */
  released(deliveries: readonly Delivery[]): void {
    for (const { consumer } of deliveries) {
      if (consumer !== undefined) consumer.unacked--;
    }
    if (this.globalPrefetch > 0) this.wakeAll();
    else if (deliveries.length === 1) {
      const { consumer, queue } = deliveries[0];
      if (consumer !== undefined) queue.wake(consumer);
    } else {
      const woken = new Set(deliveries.map((d) => d.consumer));
      for (const consumer of woken) consumer?.queue.wake(consumer);
    }
  }

  /** Serves all consumers again that could take no more for a while. */
  wakeAll(): void {
    for (const consumer of this.consumers.values()) {
      consumer.queue.wake(consumer);
    }
  }

  flushConfirms(): void {
    const { faults, outgoing } = this.connection;
    if (this.state !== "open" || faults.confirms.closed) return;
    this.confirms.flush(this.out, this.number);
    outgoing.schedule();
  }

  /** Forgets what the transaction contains; its deliveries are unsettled. */
  rollback(): void {
    if (this.transaction === undefined) return;
    const { settlements } = this.transaction.take();
    this.unacked.restore(settlements.flatMap((s) => s.deliveries));
  }

  /** Ends its consumers and puts back what was not settled. */
  release(): void {
    this.endReplies();
    const consumers = [...this.consumers.values()];
    this.consumers.clear();
    this.rollback();
    this.transaction = undefined;
    // Put back first: an auto-delete queue may go with its last consumer, and
    // its messages must not go to a consumer that is about to end.
    const deliveries = this.unacked.takeAll();
    for (const delivery of deliveries) delivery.putBack();
    for (const consumer of consumers) consumer.queue.removeConsumer(consumer);
    for (const queue of new Set(deliveries.map((d) => d.queue))) {
      if (!queue.deleted) queue.pump();
    }
  }
}
