/**
 * The frames that come with every message: deliveries, returns and confirms.
 * The library reads all others; it would read these too, at several promises
 * and a dozen objects a message.
 *
 * @module
 */
import type { Delivery, ReturnedMessage } from "../../rpc/transport.ts";
import { BODY_FRAME } from "./frame_reader.ts";
import type { MessageView } from "./view.ts";

const METHOD_FRAME = 1;
const HEADER_FRAME = 2;
const CHANNEL_CLASS = 20;
const CHANNEL_CLOSE = 40;
const BASIC_CLASS = 60;
const BASIC_RETURN = 50;
const BASIC_DELIVER = 60;
const BASIC_ACK = 80;
const BASIC_NACK = 120;
const MULTIPLE = 1;

/** What a channel does with what comes. */
export interface ChannelHandlers {
  onDelivery?: (delivery: Delivery) => void;
  onReturn?: (message: ReturnedMessage) => void;
  onConfirm?: (deliveryTag: number, multiple: boolean, ok: boolean) => void;
  /**
   * The broker closes the channel. It goes on confirming what it has processed
   * until that is agreed to, which waits for the promise where one is returned.
   */
  onClosing?: (replyCode: number, replyText: string) =>
    | Promise<void>
    | undefined;
}

/** A message whose body is not complete yet. */
interface Incomplete {
  properties: Delivery["properties"];
  malformed?: Error;
  body: Uint8Array;
  deliveryTag: number;
  redelivered: boolean;
  /** Only where it was returned. */
  returned?: { routingKey: string; replyCode: number; replyText: string };
}

/** Reads the message frames of one channel, which has one consumer at most. */
export class MessageReceiver {
  readonly #handlers: ChannelHandlers;
  #message: Incomplete | undefined;
  #bodyLength = 0;

  /** What has no handler is dropped. */
  constructor(handlers: ChannelHandlers) {
    this.#handlers = handlers;
  }

  /** Whether the frame was one of ours; it has been dealt with then. */
  take(view: MessageView, type: number, at: number, size: number): boolean {
    if (type === METHOD_FRAME) return this.#takeMethod(view, at);
    if (this.#message === undefined) return false;
    if (type === HEADER_FRAME) this.#takeHeader(this.#message, view, at);
    else if (type === BODY_FRAME) this.#takeBody(this.#message, view, at, size);
    else return false;
    return true;
  }

  /** Whether the frame is to be dealt with later: when this resolves. */
  later(
    view: MessageView,
    type: number,
    at: number,
  ): Promise<void> | undefined {
    const { onClosing } = this.#handlers;
    const isClose = onClosing !== undefined && type === METHOD_FRAME &&
      view.getUint16(at) === CHANNEL_CLASS &&
      view.getUint16(at + 2) === CHANNEL_CLOSE;
    if (!isClose) return undefined;
    const [replyText] = view.getShortString(at + 6);
    return onClosing(view.getUint16(at + 4), replyText);
  }

  #takeMethod(view: MessageView, at: number): boolean {
    if (view.getUint16(at) !== BASIC_CLASS) return false;
    const fields = at + 4;
    switch (view.getUint16(at + 2)) {
      case BASIC_DELIVER:
        this.#message = delivered(view, fields);
        return true;
      case BASIC_RETURN:
        this.#message = returned(view, fields);
        return true;
      case BASIC_ACK:
        this.#takeConfirm(view, fields, true);
        return true;
      case BASIC_NACK:
        this.#takeConfirm(view, fields, false);
        return true;
      default:
        return false;
    }
  }

  #takeConfirm(view: MessageView, at: number, ok: boolean): void {
    const multiple = (view.getUint8(at + 8) & MULTIPLE) !== 0;
    this.#handlers.onConfirm?.(view.getUint64(at), multiple, ok);
  }

  #takeHeader(message: Incomplete, view: MessageView, at: number): void {
    const bodySize = view.getUint64(at + 4);
    try {
      [message.properties] = view.getProperties(at + 12);
    } catch (error) {
      // Anybody may send anything: that costs one message, no connection.
      message.malformed = error as Error;
    }
    message.body = new Uint8Array(bodySize);
    this.#bodyLength = 0;
    if (bodySize === 0) this.#complete(message);
  }

  #takeBody(
    message: Incomplete,
    view: MessageView,
    at: number,
    size: number,
  ): void {
    message.body.set(view.getBytes(at, at + size), this.#bodyLength);
    this.#bodyLength += size;
    if (this.#bodyLength === message.body.length) this.#complete(message);
  }

  #complete(message: Incomplete): void {
    this.#message = undefined;
    const { returned, properties } = message;
    if (returned) this.#handlers.onReturn?.({ ...returned, properties });
    else this.#handlers.onDelivery?.(message);
  }
}

const NO_BODY = new Uint8Array(0);

function delivered(view: MessageView, at: number): Incomplete {
  // The consumer tag tells nothing on a channel with one consumer.
  const tagAt = at + 1 + view.getUint8(at);
  return {
    properties: {},
    malformed: undefined,
    body: NO_BODY,
    deliveryTag: view.getUint64(tagAt),
    redelivered: view.getUint8(tagAt + 8) !== 0,
    returned: undefined,
  };
}

function returned(view: MessageView, at: number): Incomplete {
  const [replyText, textLength] = view.getShortString(at + 2);
  const exchangeAt = at + 2 + textLength;
  const routingKeyAt = exchangeAt + 1 + view.getUint8(exchangeAt);
  const [routingKey] = view.getShortString(routingKeyAt);
  return {
    properties: {},
    malformed: undefined,
    body: NO_BODY,
    deliveryTag: 0,
    redelivered: false,
    returned: { replyCode: view.getUint16(at), replyText, routingKey },
  };
}
