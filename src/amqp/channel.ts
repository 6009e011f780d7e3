/**
 * One channel of a connection: asks things of the broker, whose answers come in
 * order, and takes the messages and confirms that come over it.
 *
 * @module
 */
import {
  brokerMethod,
  readArguments,
  writeMethod,
} from "../amqp091/arguments.ts";
import { AmqpError } from "../amqp091/errors.ts";
import {
  BODY,
  type FrameBuffer,
  HEADER,
  METHOD,
  wrongFrame,
} from "../amqp091/frames.ts";
import {
  type Arguments,
  type BrokerMethod,
  type ClientMethod,
  METHODS,
} from "../amqp091/methods.ts";
import type { Reader } from "../amqp091/reader.ts";
import { settled } from "../async/delay.ts";
import type { Delivery, ReturnedMessage } from "../rpc/transport.ts";
import { AwaitedAnswers, type RequestMethod } from "./awaited_answers.ts";
import { ClosedByBroker } from "./closed_by_broker.ts";
import { IncomingMessage } from "./incoming_message.ts";
import type { JoinedWrites } from "./joined_writes.ts";
import { readDeliver } from "./message_frames.ts";

const DELIVER = METHODS["basic.deliver"].id;
const RETURN = METHODS["basic.return"].id;
const ACK = METHODS["basic.ack"].id;
const NACK = METHODS["basic.nack"].id;

/** Callbacks for what comes over a channel. */
export interface ChannelHandlers {
  onDelivery?: (delivery: Delivery) => void;
  onReturn?: (message: ReturnedMessage) => void;
  onConfirm?: (deliveryTag: number, multiple: boolean, ok: boolean) => void;
  /** The broker canceled the consumer, and left the channel open. */
  onCanceled?: () => void;
  /**
   * The broker closes the channel. It goes on confirming what it has processed
   * until the close is agreed to. That waits for the promise, if one is
   * returned.
   */
  onClosing?: (replyCode: number, replyText: string) =>
    | Promise<void>
    | undefined;
  /** The broker has closed the channel. */
  onClosed?: (error: Error) => void;
}

/** What a channel needs of its connection. */
export interface ChannelHost {
  readonly writes: JoinedWrites;
  /** The channel is gone, and its number is free. */
  channelGone(channel: Channel): void;
}

/** A channel; see {@linkcode Connection.openChannel}. */
export class Channel {
  readonly id: number;
  handlers: ChannelHandlers = {};
  readonly #host: ChannelHost;
  readonly #answers = new AwaitedAnswers();
  #incoming: IncomingMessage | undefined;
  #closing: Promise<void> | undefined;
  /** Whether the broker is closing it. */
  #ending = false;
  #end: Error | undefined;

  /** Not open yet. */
  constructor(host: ChannelHost, id: number) {
    this.#host = host;
    this.id = id;
  }

  /** Whether it is closed or closing. */
  get closed(): boolean {
    return this.#end !== undefined || this.#closing !== undefined;
  }

  /** Sends a method; what is left out of it is 0, false or empty. */
  send<N extends ClientMethod>(
    name: N,
    args: Partial<Arguments<N>> = {},
  ): void {
    writeMethod(this.#host.writes.writer, this.id, name, args);
    this.#host.writes.schedule();
  }

  /**
   * Sends a method, and resolves with the broker's answer.
   *
   * @throws {ClosedByBroker} if the broker closes the channel for it.
   */
  request<N extends RequestMethod>(
    name: N,
    args: Partial<Arguments<N>> = {},
  ): Promise<Arguments<`${N}-ok`>> {
    if (this.closed) return Promise.reject(this.#end ?? closedByUs());
    return this.#ask(name, args);
  }

  /** Closes the channel; once. Nothing more is delivered after this. */
  close(): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve();
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    // The broker may close it at the same time, for a reason of its own.
    await settled(this.#ask("channel.close", { replyCode: 200 }));
  }

  #ask<N extends RequestMethod>(
    name: N,
    args: Partial<Arguments<N>>,
  ): Promise<Arguments<`${N}-ok`>> {
    return new Promise((resolve, reject) => {
      this.send(name, args);
      this.#answers.add(name, resolve, reject);
    });
  }

  /** The connection was lost. */
  lost(error: Error): void {
    this.#end ??= error;
    this.#answers.fail(error);
  }

  /**
   * Takes a frame of this channel.
   *
   * @throws {AmqpError} for a frame that does not belong here.
   */
  take(frame: FrameBuffer, reader: Reader): void {
    if (frame.type === METHOD) this.#takeMethod(reader);
    else if (frame.type === HEADER || frame.type === BODY) {
      this.#takeContent(frame, reader);
    } else throw wrongFrame(frame);
  }

  #takeMethod(reader: Reader): void {
    if (this.#incoming !== undefined) {
      throw new AmqpError("UNEXPECTED_FRAME", "a method within a message");
    }
    const id = reader.long();
    switch (id) {
      case DELIVER:
        this.#incoming = new IncomingMessage(readDeliver(reader), undefined);
        return;
      case RETURN: {
        const returned = readArguments("basic.return", reader);
        this.#incoming = new IncomingMessage(undefined, returned);
        return;
      }
      case ACK:
      case NACK: {
        const deliveryTag = reader.longlong();
        const multiple = (reader.octet() & 1) !== 0;
        this.handlers.onConfirm?.(deliveryTag, multiple, id === ACK);
        return;
      }
    }
    const name = brokerMethod(id);
    this.#take(name, readArguments(name, reader));
  }

  #take<N extends BrokerMethod>(name: N, args: Arguments<N>): void {
    switch (name) {
      case "channel.close":
        return this.#takeClose(args as Arguments<"channel.close">);
      case "channel.flow":
        return this.send(
          "channel.flow-ok",
          args as Arguments<"channel.flow">,
        );
      case "basic.cancel":
        return this.handlers.onCanceled?.();
    }
    if (this.#answers.take(name, args)) {
      if (name === "channel.close-ok") this.#closeAgreed();
    } else if (name !== "channel.close-ok") {
      throw new AmqpError("COMMAND_INVALID", `${name}, which nobody awaits`);
    }
    // Otherwise it answers a close that crossed the broker's own.
  }

  /** The number is not free before a close that crossed ours is agreed to. */
  #closeAgreed(): void {
    if (this.#ending) this.send("channel.close-ok");
    this.#gone(closedByUs());
  }

  #takeClose({ replyCode, replyText }: Arguments<"channel.close">): void {
    // The broker may close twice: this channel, or the one that had its number
    // before.
    if (this.#answers.next === "channel.open-ok" || this.#ending) return;
    this.#ending = true;
    const error = new ClosedByBroker("channel", replyCode, replyText);
    const agree = () => {
      if (this.#end !== undefined) return;
      this.send("channel.close-ok");
      this.#gone(error);
      this.handlers.onClosed?.(error);
    };
    const settled = this.handlers.onClosing?.(replyCode, replyText);
    if (settled === undefined) agree();
    else settled.then(agree);
  }

  #gone(error: Error): void {
    this.#end = error;
    this.#host.channelGone(this);
    this.#answers.fail(error);
  }

  #takeContent(frame: FrameBuffer, reader: Reader): void {
    const message = this.#incoming;
    const isHeader = frame.type === HEADER;
    if (message?.awaitsHeader !== isHeader) {
      throw new AmqpError("UNEXPECTED_FRAME", "content that was not announced");
    }
    const isComplete = isHeader
      ? message.takeHeader(reader)
      : message.takeBody(frame);
    if (!isComplete) return;
    this.#incoming = undefined;
    const { delivered, returned } = message;
    if (returned) this.handlers.onReturn?.(message.returnedMessage(returned));
    // Deliveries that cross our close are not ours any more.
    else if (!this.closed) {
      this.handlers.onDelivery?.(message.delivery(delivered!));
    }
  }
}

function closedByUs(): Error {
  return new Error("the channel was closed");
}
