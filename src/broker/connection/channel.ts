/**
 * One channel: what a client set up on it, and what it was sent and has not
 * settled. What its methods do is in topology.ts, consuming.ts and
 * publishing.ts.
 */
import { Confirms } from "./confirms.ts";
import type { Consumer, ConsumerChannel } from "../routing/consumer.ts";
import { consumerTimeoutMs } from "./consumer_timeout.ts";
import { Content } from "./content.ts";
import type { Faults } from "../testing/faults.ts";
import type { Entry } from "../routing/lane.ts";
import type { Message } from "../routing/message.ts";
import type { Settings } from "../options.ts";
import type { Outgoing } from "./outgoing.ts";
import { writeMethod } from "../../amqp091/arguments.ts";
import type { Arguments, BrokerMethod } from "../../amqp091/methods.ts";
import type { Writer } from "../../amqp091/writer.ts";
import type { Access } from "./permissions.ts";
import type { Queue, QueueOwner } from "../routing/queue.ts";
import type { Transaction } from "./transaction.ts";
import { Delivery, Unacked } from "./unacked.ts";
import type { ReplyConsumer, VHost } from "../routing/vhost.ts";

/** What a channel needs of its connection. */
export interface ChannelLink extends QueueOwner {
  readonly vhost: VHost;
  readonly access: Access;
  readonly outgoing: Outgoing;
  readonly frameMax: number;
  readonly settings: Settings;
  /** Whether the client wants to hear of consumers that end by themselves. */
  readonly cancelNotify: boolean;
  readonly faults: Faults;
  /** Asks for `flushConfirms` once all input there is has been handled. */
  confirmLater(channel: Channel): void;
  /** Gives up the client because it reads too slowly. */
  tooSlow(): void;
}

/** "starting" until channel.open; "closing" until the client's close-ok. */
export type ChannelState = "starting" | "open" | "closing";

/** A channel. */
export class Channel implements ConsumerChannel, ReplyConsumer {
  state: ChannelState = "starting";
  readonly content: Content;
  readonly confirms: Confirms = new Confirms();
  readonly consumers: Map<string, Consumer> = new Map();
  readonly unacked: Unacked = new Unacked();
  transaction: Transaction | undefined;
  /** The prefetch of consumers to come. */
  prefetch = 0;
  /** The prefetch of the channel as a whole. */
  globalPrefetch = 0;
  /** What an empty queue name stands for. */
  lastQueue = "";
  /** Its consumer of "amq.rabbitmq.reply-to". */
  reply: { tag: string; key: string } | undefined;
  #nextTag = 1;

  constructor(readonly number: number, readonly link: ChannelLink) {
    this.content = new Content(link.settings.maxMessageSize);
  }

  get out(): Writer {
    return this.link.outgoing.output;
  }

  get vhost(): VHost {
    return this.link.vhost;
  }

  get access(): Access {
    return this.link.access;
  }

  /** Sends a method; what is left out is 0, false or empty. */
  send<N extends BrokerMethod>(
    name: N,
    args: Partial<Arguments<N>> = {},
  ): void {
    writeMethod(this.out, this.number, name, args);
  }

  /** Sends the message that the method before it announced. */
  sendContent({ content, bodyStart }: Message): void {
    this.out.content(this.number, content, bodyStart, this.link.frameMax);
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
  }

  canTake(noAck: boolean): boolean {
    if (this.state !== "open" || this.link.outgoing.congested) return false;
    return noAck || this.globalPrefetch === 0 ||
      this.unacked.size < this.globalPrefetch;
  }

  deliver(consumer: Consumer, entry: Entry): void {
    const { redelivered } = entry;
    const message = consumer.queue.deliverable(entry);
    const deliveryTag = consumer.noAck
      ? this.#nextTag++
      : this.track(entry, consumer.queue, consumer);
    this.#deliver(message, {
      consumerTag: consumer.tag,
      deliveryTag,
      redelivered,
    });
    this.link.outgoing.schedule();
  }

  /** Remembers what was sent until it is settled; returns its tag. */
  track(entry: Entry, queue: Queue, consumer?: Consumer): number {
    const tag = this.#nextTag++;
    const dueAt = performance.now() + consumerTimeoutMs(this, queue, consumer);
    this.unacked.add(new Delivery(tag, entry, queue, consumer, dueAt));
    if (consumer !== undefined) consumer.unacked++;
    return tag;
  }

  /** The tag of something sent that needs no settling. */
  untracked(): number {
    return this.#nextTag++;
  }

  deliverReply(message: Message): void {
    if (this.reply === undefined) return;
    // There is no queue to leave it in.
    if (this.link.outgoing.congested) {
      this.link.tooSlow();
      return;
    }
    this.#deliver(message, {
      consumerTag: this.reply.tag,
      deliveryTag: this.#nextTag++,
      redelivered: false,
    });
    this.link.outgoing.schedule();
  }

  consumerGone(consumer: Consumer): void {
    this.consumers.delete(consumer.tag);
    if (!this.link.cancelNotify) return;
    this.send("basic.cancel", { consumerTag: consumer.tag, noWait: true });
    this.link.outgoing.schedule();
  }

  /** Forgets its consumer of "amq.rabbitmq.reply-to". */
  endReplies(): void {
    if (this.reply !== undefined) {
      this.vhost.removeReplyConsumer(this.reply.key);
    }
    this.reply = undefined;
  }

  /** Puts deliveries back into their queues, as failed ones or not. */
  requeue(deliveries: readonly Delivery[], failed: boolean): void {
    for (const delivery of deliveries) delivery.putBack(failed);
    this.released(deliveries);
    for (const queue of new Set(deliveries.map((d) => d.queue))) queue.pump();
  }

  /**
   * Gives the queue back what its clients have got and not settled, though
   * they keep it; returns how many messages that were.
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

  /** Serves its consumers again that could take no more for a while. */
  wakeAll(): void {
    for (const consumer of this.consumers.values()) {
      consumer.queue.wake(consumer);
    }
  }

  flushConfirms(): void {
    if (this.state !== "open" || this.link.faults.unconfirmed.held) return;
    this.confirms.flush(this.out, this.number);
    this.link.outgoing.schedule();
  }

  /** Ends its consumers, then gives back what was not settled. */
  release(): void {
    this.endReplies();
    const consumers = [...this.consumers.values()];
    this.consumers.clear();
    this.transaction?.rollback();
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
