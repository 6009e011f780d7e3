/** The channels of one connection: which frame is for which, and their ends. */
import { Channel, type ChannelLink } from "./channel.ts";
import { checkDeliveries } from "./consumer_timeout.ts";
import { dispatch } from "./dispatch.ts";
import { AmqpError, closing } from "../../amqp091/errors.ts";
import { type FrameBuffer, METHOD } from "../../amqp091/frames.ts";
import { clientMethod, readArguments } from "../../amqp091/arguments.ts";
import {
  type Arguments,
  type ClientChannelMethod,
  isConnectionMethod,
  METHODS,
} from "../../amqp091/methods.ts";
import { publish } from "./publishing.ts";
import type { Queue } from "../routing/queue.ts";
import { Reader } from "../../amqp091/reader.ts";

const BASIC_PUBLISH = METHODS["basic.publish"].id;

/** Hard errors close the connection; what is no AmqpError is our own fault. */
function isSoft(error: unknown): error is AmqpError {
  return error instanceof AmqpError && !error.hard;
}

/** The channels of a connection, by number. */
export class Channels {
  /** The most channels at a time. */
  max: number;
  /** The method being handled, for close methods to name; 0 for none. */
  method = 0;
  /** Messages published so far. */
  published = 0;
  readonly #link: ChannelLink;
  readonly #byNumber = new Map<number, Channel>();
  readonly #reader = new Reader(new Uint8Array(0));
  /** Those that have publishes to confirm. */
  readonly #unconfirmed = new Set<Channel>();

  constructor(link: ChannelLink, max: number) {
    this.#link = link;
    this.max = max;
  }

  /** Asks for the channel's confirms to be sent with the next `flush`. */
  confirmLater(channel: Channel): void {
    this.#unconfirmed.add(channel);
  }

  /** Sends all confirms that are due, many in one. */
  flushConfirms(): void {
    if (this.#link.faults.unconfirmed.held) return;
    for (const channel of this.#unconfirmed) channel.flushConfirms();
    this.#unconfirmed.clear();
  }

  /** Serves all consumers again that could take no more for a while. */
  wake(): void {
    for (const channel of this.#byNumber.values()) channel.wakeAll();
  }

  /**
   * Handles a method, header or body frame.
   *
   * @throws {AmqpError} if it is to close the connection.
   */
  handle(frame: FrameBuffer): void {
    this.method = 0;
    const channel = this.#byNumber.get(frame.channel) ??
      this.#add(frame.channel);
    try {
      if (frame.type === METHOD && !channel.content.pending) {
        this.#handleMethod(channel, frame);
      } else this.#handleContent(channel, frame);
    } catch (error) {
      this.#fail(channel, error);
    }
  }

  /** Looks for deliveries that take too long. */
  tick(now: number): void {
    this.method = 0;
    for (const channel of this.#byNumber.values()) {
      try {
        if (channel.state === "open") checkDeliveries(channel, now);
      } catch (error) {
        this.#fail(channel, error);
        this.#link.outgoing.schedule();
      }
    }
  }

  /** Closes the channel, if the error is one of those that close no more. */
  #fail(channel: Channel, error: unknown): void {
    if (!isSoft(error)) throw error;
    if (channel.state === "closing") return;
    channel.flushConfirms();
    channel.state = "closing";
    channel.release();
    channel.send("channel.close", closing(error, this.method));
  }

  /** How many there are. */
  get size(): number {
    return this.#byNumber.size;
  }

  /** Gives the queue back what was sent and not settled; returns how many. */
  takeBack(queue: Queue): number {
    let count = 0;
    for (const channel of this.#byNumber.values()) {
      count += channel.takeBack(queue);
    }
    return count;
  }

  /** Ends all channels and gives back what they held. */
  release(): void {
    const channels = [...this.#byNumber.values()];
    this.#byNumber.clear();
    // None of them may be given what another of them gives back.
    for (const channel of channels) channel.state = "closing";
    for (const channel of channels) channel.release();
  }

  #add(number: number): Channel {
    const open = this.#byNumber.size;
    if (open >= this.max) {
      throw new AmqpError(
        "NOT_ALLOWED",
        `number of channels opened (${open}) has reached the negotiated channel_max (${this.max})`,
      );
    }
    const channel = new Channel(number, this.#link);
    this.#byNumber.set(number, channel);
    return channel;
  }

  #handleContent(channel: Channel, frame: FrameBuffer): void {
    // What is wrong with a message is wrong with its basic.publish.
    if (channel.content.pending) this.method = BASIC_PUBLISH;
    const published = channel.content.take(frame);
    if (published === undefined) return;
    this.published++;
    if (channel.state !== "closing") publish(channel, published);
  }

  #handleMethod(channel: Channel, { bytes, start, end }: FrameBuffer): void {
    this.#reader.reset(bytes, start, end);
    this.method = this.#reader.long();
    const name = clientMethod(this.method);
    if (isConnectionMethod(name)) {
      throw new AmqpError("COMMAND_INVALID", "unimplemented method");
    }
    const args = readArguments(name, this.#reader);
    if (channel.state === "closing") {
      this.#handleWhileClosing(channel, name, args);
    } else if (name === "channel.close" && channel.state === "open") {
      channel.flushConfirms();
      channel.state = "closing";
      channel.release();
      this.#byNumber.delete(channel.number);
      channel.send("channel.close-ok");
    } else dispatch(channel, name, args);
  }

  /** Only the end of the closing counts; a publish still has its content. */
  #handleWhileClosing(
    channel: Channel,
    name: ClientChannelMethod,
    args: Arguments<ClientChannelMethod>,
  ): void {
    if (name === "basic.publish") {
      channel.content.start(args as Arguments<"basic.publish">);
    } else if (name === "channel.close-ok") {
      this.#byNumber.delete(channel.number);
    } else if (name === "channel.close") {
      channel.send("channel.close-ok");
    }
  }
}
