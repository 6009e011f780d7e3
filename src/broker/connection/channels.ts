/** The channels of one connection: hands them their frames, and closes them. */
import { Channel, type ChannelConnection } from "./channel.ts";
import { dispatch } from "./methods/dispatch.ts";
import { AmqpError, closing } from "../../amqp091/errors.ts";
import { type FrameBuffer, METHOD } from "../../amqp091/frames.ts";
import { clientMethod, readArguments } from "../../amqp091/arguments.ts";
import {
  type Arguments,
  type ClientChannelMethod,
  isConnectionMethod,
  METHODS,
} from "../../amqp091/methods.ts";
import { endOverdue } from "./overdue.ts";
import { publish } from "./methods/publishing.ts";
import type { Queue } from "../routing/queue.ts";
import { Reader } from "../../amqp091/reader.ts";

const BASIC_PUBLISH = METHODS["basic.publish"].id;

/** Whether an error closes the channel alone, and not the connection. */
function isSoft(error: unknown): error is AmqpError {
  return error instanceof AmqpError && !error.hard;
}

/** The channels of a connection, by number. */
export class Channels {
  /** The method being handled, for close methods to name; 0 for none. */
  method = 0;
  /** How many messages the client has published so far. */
  published = 0;
  readonly #connection: ChannelConnection;
  /** The most channels at a time. */
  readonly #max: number;
  readonly #byNumber = new Map<number, Channel>();
  readonly #reader = new Reader(new Uint8Array(0));
  /** Channels with publishes to confirm. */
  readonly #unconfirmed = new Set<Channel>();

  constructor(connection: ChannelConnection, max: number) {
    this.#connection = connection;
    this.#max = max;
  }

  /** The number of channels. */
  get size(): number {
    return this.#byNumber.size;
  }

  /** Sends all confirms that are due, as few methods as possible. */
  flushConfirms(): void {
    if (this.#connection.faults.confirms.closed) return;
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
   * @throws {AmqpError} if the connection must be closed; `method` is then the
   *   one that was being handled.
   */
  handle(frame: FrameBuffer): void {
    const channel = this.#byNumber.get(frame.channel) ??
      this.#add(frame.channel);
    try {
      if (frame.type === METHOD && !channel.content.pending) {
        this.#handleMethod(channel, frame);
      } else this.#handleContent(channel, frame);
    } catch (error) {
      this.#fail(channel, error);
    }
    this.method = 0;
  }

  /** Looks for deliveries that were not settled in time. */
  tick(now: number): void {
    for (const channel of this.#byNumber.values()) {
      try {
        if (channel.state === "open") endOverdue(channel, now);
      } catch (error) {
        this.#fail(channel, error);
        this.#connection.outgoing.schedule();
      }
    }
  }

  /** Closes the channel, or throws the error if that is not enough. */
  #fail(channel: Channel, error: unknown): void {
    if (!isSoft(error)) throw error;
    if (channel.state === "closing") return;
    channel.flushConfirms();
    channel.state = "closing";
    channel.release();
    channel.send("channel.close", closing(error, this.method));
  }

  /** Puts back all unsettled deliveries of a queue; returns how many. */
  takeBack(queue: Queue): number {
    let count = 0;
    for (const channel of this.#byNumber.values()) {
      count += channel.takeBack(queue);
    }
    return count;
  }

  /** Ends all channels and puts back their unsettled deliveries. */
  release(): void {
    const channels = [...this.#byNumber.values()];
    this.#byNumber.clear();
    // None of them may get a delivery that another one puts back.
    for (const channel of channels) channel.state = "closing";
    for (const channel of channels) channel.release();
  }

  #add(number: number): Channel {
    const open = this.#byNumber.size;
    if (open >= this.#max) {
      throw new AmqpError(
        "NOT_ALLOWED",
        `number of channels opened (${open}) has reached the negotiated channel_max (${this.#max})`,
      );
    }
    const channel = new Channel(number, this.#connection);
    this.#byNumber.set(number, channel);
    return channel;
  }

  #handleContent(channel: Channel, frame: FrameBuffer): void {
    // An error in a message is reported as one of its basic.publish.
    if (channel.content.pending) this.method = BASIC_PUBLISH;
    const published = channel.content.take(frame);
    if (published === undefined) return;
    this.published++;
    if (channel.state === "closing") return;
    publish(channel, published);
    if (channel.confirms.enabled) this.#unconfirmed.add(channel);
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

  /** Waits for close-ok; the content of a publish must still be skipped. */
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
