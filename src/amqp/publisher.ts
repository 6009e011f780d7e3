/**
 * Publishes in confirm mode through the default exchange.
 *
 * @module
 */
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import { RpcError } from "../rpc/errors.ts";
import type {
  MessageProperties,
  Publisher,
  ReturnedMessage,
} from "../rpc/transport.ts";
import { CLOSE_TIMEOUT_MS, closeChannel } from "./channels.ts";
import { publishFailure } from "./failures.ts";
import type { AmqpSocket } from "./socket.ts";

const DEFAULT_EXCHANGE = "";
const MANDATORY = true;

/** A channel that does nothing but publish. */
export class ConfirmedPublisher implements Publisher {
  readonly #channel: AMQPChannel;
  readonly #socket: AmqpSocket;
  #underWay = 0;
  #closing = false;
  #whenIdle: (() => void) | undefined;

  private constructor(socket: AmqpSocket, channel: AMQPChannel) {
    this.#socket = socket;
    this.#channel = channel;
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

  /** Hears when the broker closes the channel. */
  onClosed(callback: (reason: string) => void): void {
    this.#channel.onerror = callback;
  }

  /** Waits while the connection is blocked, then publishes. */
  async publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
  ): Promise<void> {
    while (this.#socket.unblocked) await this.#socket.unblocked;
    if (this.#closing) throw closedError();
    this.#underWay++;
    try {
      await this.#channel.basicPublish(
        DEFAULT_EXCHANGE,
        queue,
        body,
        properties,
        MANDATORY,
      );
    } catch (error) {
      throw publishFailure(error);
    } finally {
      if (--this.#underWay === 0) this.#whenIdle?.();
    }
  }

  /**
   * Closes the channel once everything is confirmed: the library never tells
   * what becomes of a message whose channel is closed by us.
   */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#underWay > 0) {
      const idle = Promise.withResolvers<void>();
      this.#whenIdle = idle.resolve;
      const timer = setTimeout(idle.resolve, CLOSE_TIMEOUT_MS);
      await idle.promise;
      clearTimeout(timer);
    }
    await closeChannel(this.#channel);
  }
}

function closedError(): RpcError {
  return new RpcError("unavailable", "the queue is no longer consumed", {
    reason: "connection_lost",
  });
}
