/** A client's consumer of a queue. */
import type { Consumer } from "../routing/consumers.ts";
import type { Entry } from "../routing/lane.ts";
import type { Queue } from "../routing/queue.ts";

/** What a consumer needs of its channel. */
export interface ConsumerChannel {
  /** Whether the client may be sent one more delivery now. */
  canTake(noAck: boolean): boolean;
  deliver(consumer: ChannelConsumer, entry: Entry): void;
  /** Forgets the consumer and tells the client that it has ended. */
  cancelConsumer(consumer: ChannelConsumer): void;
}

/** What a client asked for with basic.consume. */
export interface ConsumerOptions {
  readonly tag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  /** The most unacknowledged deliveries; 0 for any number. */
  readonly prefetch: number;
  /** Consumers of a higher priority are served first. */
  readonly priority: number;
  /** How long a delivery may take, in ms; undefined if the client sets none. */
  readonly timeoutMs: number | undefined;
}

/** A consumer on a channel. */
export class ChannelConsumer implements Consumer {
  readonly tag: string;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly timeoutMs: number | undefined;
  /** How many deliveries are not settled. */
  unacked = 0;
  readonly #channel: ConsumerChannel;
  readonly #prefetch: number;

  constructor(
    readonly queue: Queue,
    channel: ConsumerChannel,
    options: ConsumerOptions,
  ) {
    this.#channel = channel;
    this.tag = options.tag;
    this.noAck = options.noAck;
    this.exclusive = options.exclusive;
    this.priority = options.priority;
    this.timeoutMs = options.timeoutMs;
    this.#prefetch = options.prefetch;
  }

  canTake(): boolean {
    const prefetch = this.#prefetch;
    return (this.noAck || prefetch === 0 || this.unacked < prefetch) &&
      this.#channel.canTake(this.noAck);
  }

  deliver(entry: Entry): void {
    this.#channel.deliver(this, entry);
  }

  queueDeleted(): void {
    this.#channel.cancelConsumer(this);
  }
}
