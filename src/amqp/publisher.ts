/**
 * Publishes in confirm mode through the default exchange.
 *
 * @module
 */
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import type {
  MessageProperties,
  Publisher,
  ReturnedMessage,
} from "../rpc/transport.ts";
import { publishFailure } from "./failures.ts";
import type { AmqpSocket } from "./socket.ts";

const DEFAULT_EXCHANGE = "";
const MANDATORY = true;

/** A channel that does nothing but publish. */
export class ConfirmedPublisher implements Publisher {
  /** The channel, for its owner to close. */
  readonly channel: AMQPChannel;
  readonly #socket: AmqpSocket;

  private constructor(socket: AmqpSocket, channel: AMQPChannel) {
    this.#socket = socket;
    this.channel = channel;
  }

  /** Opens the channel; `onReturn` hears of messages that no queue took. */
  static async open(
    socket: AmqpSocket,
    onReturn: (message: ReturnedMessage) => void,
  ): Promise<ConfirmedPublisher> {
    const channel = await socket.channel();
    channel.onReturn = onReturn;
    await channel.confirmSelect();
    return new ConfirmedPublisher(socket, channel);
  }

  /** Waits while the connection is blocked, then publishes. */
  async publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
  ): Promise<void> {
    while (this.#socket.unblocked) await this.#socket.unblocked;
    try {
      await this.channel.basicPublish(
        DEFAULT_EXCHANGE,
        queue,
        body,
        properties,
        MANDATORY,
      );
    } catch (error) {
      throw publishFailure(error);
    }
  }
}
