/**
 * How callers tell servers about their calls. Each server has a queue of its own
 * for that: the server that sends a stream is told directly, and all servers of a
 * request queue by a fanout exchange, for callers that do not know which of them
 * runs a call.
 *
 * @module
 */
import { REPLY_CODES } from "../amqp091/errors.ts";
import { waitAtMost } from "../async/delay.ts";
import type { MessageProperties } from "../rpc/messages.ts";
import { isControl, MESSAGE_TYPES, NO_BODY } from "../rpc/stream_wire.ts";
import type { ReturnedMessage } from "../rpc/transport.ts";
import type { Channel } from "./channel.ts";
import { replyCodeOf } from "./closed_by_broker.ts";
import { closeChannel } from "./closing.ts";
import { CLOSE_TIMEOUT_MS } from "./flow.ts";
import type { Connection } from "./connection.ts";
import { writeMessage } from "./message_frames.ts";
import { consumeOwnQueue } from "./own_queue.ts";

const EXCHANGE_PREFIX = "rabbit-rpc.cancel.";
const MAX_NAME_BYTES = 255;
/** To listen, before the queue is given up for now. */
const ATTEMPTS = 3;

/** The exchange, or undefined if the queue's name leaves no room for it. */
function exchangeFor(queue: string): string | undefined {
  const name = EXCHANGE_PREFIX + queue;
  const bytes = new TextEncoder().encode(name).length;
  return bytes <= MAX_NAME_BYTES ? name : undefined;
}

/** Who listens for control messages. */
export interface ControlListener {
  onCancel: (correlationId: string) => void;
  /** Called with each message that names a run. */
  onControl: (message: MessageProperties) => void;
  /** No queue took a message that was published over the channel. */
  onReturn: (message: ReturnedMessage) => void;
  /** It no longer listens, although the connection is not lost. */
  onDeaf: (error: Error) => void;
}

/** A server's queue for control messages, which lives as long as its channel. */
export interface ControlQueue {
  readonly name: string;
  readonly channel: Channel;
}

/**
 * Listens, on a channel of its own, until that or the connection is closed. A
 * server that lacks the permission serves all the same.
 */
export async function listenForControl(
  connection: Connection,
  queue: string,
  listener: ControlListener,
): Promise<ControlQueue | undefined> {
  const exchange = exchangeFor(queue);
  if (exchange === undefined) return undefined;
  for (let attempt = 1;; attempt++) {
    const channel = await connection.openChannel(itself);
    try {
      const name = await listen(connection, channel, exchange, listener);
      return { name, channel };
    } catch (error) {
      if (connection.closed) throw error;
      await closeChannel(connection, channel);
      // The exchange went with another server before it was bound.
      if (replyCodeOf(error) !== REPLY_CODES.NOT_FOUND) return undefined;
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function listen(
  connection: Connection,
  channel: Channel,
  exchange: string,
  { onCancel, onControl, onReturn, onDeaf }: ControlListener,
): Promise<string> {
  channel.handlers = {
    onDelivery({ properties }) {
      const { type, correlationId } = properties;
      if (isControl(properties)) return onControl(properties);
      const isCancel = type === MESSAGE_TYPES.cancel;
      if (isCancel && correlationId) onCancel(correlationId);
    },
    onReturn,
    onClosing(replyCode, replyText) {
      connection.sizes.learn(replyCode, replyText);
      return undefined;
    },
    onCanceled: () => onDeaf(new Error("the control queue was deleted")),
  };
  // Whatever is refused from here on closes the channel, and the queue goes
  // with its consumer.
  const queue = await consumeOwnQueue(
    connection,
    channel,
    (queue) => channel.request("basic.consume", { queue, noAck: true }),
  );
  await Promise.all([
    // Gone with the last server that listens.
    channel.request("exchange.declare", {
      exchange,
      type: "fanout",
      autoDelete: true,
    }),
    channel.request("queue.bind", { queue, exchange }),
  ]);
  channel.handlers.onClosed = onDeaf;
  return queue;
}

/** Sends cancel messages, on a channel that may be lost without harm. */
export class Canceler {
  readonly #connection: Connection;
  #channel: Promise<Channel> | undefined;
  readonly #underWay = new Set<Promise<void>>();

  /** Opens its channel with the first message. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** A missing exchange closes the channel; the next message opens another. */
  async cancel(queue: string, correlationId: string): Promise<void> {
    const sending = this.#send(queue, correlationId);
    this.#underWay.add(sending);
    try {
      await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  /** Waits until pending messages are written, for a limited time. */
  async close(): Promise<void> {
    if (this.#underWay.size === 0) return;
    await waitAtMost(CLOSE_TIMEOUT_MS, Promise.allSettled(this.#underWay));
  }

  async #send(queue: string, correlationId: string): Promise<void> {
    const exchange = exchangeFor(queue);
    if (exchange === undefined || this.#connection.flow.unblocked) return;
    this.#channel ??= this.#open();
    const channel = await this.#channel;
    if (channel.closed) return;
    const { writes, frameMax } = this.#connection;
    const target = {
      channel: channel.id,
      exchange,
      routingKey: "",
      mandatory: false,
    };
    writeMessage(writes.writer, frameMax, target, NO_BODY, {
      type: MESSAGE_TYPES.cancel,
      correlationId,
    });
    writes.schedule();
  }

  async #open(): Promise<Channel> {
    const closed = () => this.#channel = undefined;
    try {
      return await this.#connection.openChannel((channel) => {
        channel.handlers.onClosed = closed;
        return Promise.resolve(channel);
      });
    } catch (error) {
      closed();
      throw error;
    }
  }
}

function itself(channel: Channel): Promise<Channel> {
  return Promise.resolve(channel);
}
