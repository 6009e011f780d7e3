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
/** A queue that is full refuses many messages: not each is worth a channel. */
const RENEWAL_INTERVAL_MS = 500;

type OnReturn = (message: ReturnedMessage) => void;

/**
 * A channel that does nothing but publish. It is replaced after a message was
 * refused: one that met a quorum queue while it had no leader goes on to refuse
 * all messages to it, long after there is another leader (RabbitMQ 3.10).
 */
export class ConfirmedPublisher implements Publisher {
  readonly #socket: AmqpSocket;
  readonly #onReturn: OnReturn;
  #onClosed: (reason: string) => void = () => {};
  #channel: ConfirmChannel;
  #renewal: Promise<void> | undefined;
  #renewedAtMs = -Infinity;
  #closing = false;

  private constructor(
    socket: AmqpSocket,
    onReturn: OnReturn,
    channel: ConfirmChannel,
  ) {
    this.#socket = socket;
    this.#onReturn = onReturn;
    this.#channel = channel;
  }

  /** Opens the channel; `onReturn` hears of messages that no queue took. */
  static async open(
    socket: AmqpSocket,
    onReturn: OnReturn,
  ): Promise<ConfirmedPublisher> {
    const channel = await ConfirmChannel.open(socket, onReturn);
    return new ConfirmedPublisher(socket, onReturn, channel);
  }

  /** Hears when the broker closes the channel. */
  onClosed(callback: (reason: string) => void): void {
    this.#onClosed = callback;
    this.#channel.onClosed(callback);
  }

  /** Waits while the connection is blocked, then publishes. */
  async publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
  ): Promise<void> {
    while (this.#socket.unblocked) await this.#socket.unblocked;
    if (this.#renewal) await this.#renewal;
    if (this.#closing) throw closedError();
    const channel = this.#channel;
    try {
      await channel.publish(queue, body, properties);
    } catch (thrown) {
      const error = publishFailure(thrown);
      if (error.reason === "rejected") this.#renew();
      throw error;
    } finally {
      channel.settled();
    }
  }

  /** Closes the channel once everything is confirmed, for a limited time. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#renewal;
    await this.#channel.close(CLOSE_TIMEOUT_MS);
  }

  #renew(): void {
    const nowMs = performance.now();
    if (this.#renewal || this.#closing) return;
    if (nowMs - this.#renewedAtMs < RENEWAL_INTERVAL_MS) return;
    this.#renewedAtMs = nowMs;
    this.#renewal = this.#replace().catch(ignore)
      .finally(() => this.#renewal = undefined);
  }

  async #replace(): Promise<void> {
    const before = this.#channel;
    this.#channel = await ConfirmChannel.open(this.#socket, this.#onReturn);
    this.#channel.onClosed(this.#onClosed);
    // Its confirms are still to come.
    before.close().catch(ignore);
  }
}

/** A channel in confirm mode that knows what is not confirmed yet. */
class ConfirmChannel {
  readonly #channel: AMQPChannel;
  #underWay = 0;
  #whenIdle: (() => void) | undefined;

  private constructor(channel: AMQPChannel) {
    this.#channel = channel;
  }

  static async open(
    socket: AmqpSocket,
    onReturn: OnReturn,
  ): Promise<ConfirmChannel> {
    const channel = await socket.channel();
    channel.onReturn = onReturn;
    await channel.confirmSelect();
    return new ConfirmChannel(channel);
  }

  onClosed(callback: (reason: string) => void): void {
    this.#channel.onerror = callback;
  }

  /** `settled()` has to follow, whatever comes of it. */
  publish(
    queue: string,
    body: Uint8Array,
    properties: MessageProperties,
  ): Promise<unknown> {
    this.#underWay++;
    return this.#channel.basicPublish(
      DEFAULT_EXCHANGE,
      queue,
      body,
      properties,
      MANDATORY,
    );
  }

  settled(): void {
    if (--this.#underWay === 0) this.#whenIdle?.();
  }

  /**
   * Closes the channel once everything is confirmed: the library never tells
   * what becomes of a message whose channel is closed by us.
   */
  async close(limitMs?: number): Promise<void> {
    if (this.#underWay > 0) {
      const idle = Promise.withResolvers<void>();
      this.#whenIdle = idle.resolve;
      const timer = limitMs && setTimeout(idle.resolve, limitMs);
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

/** It failed with its connection, which is told elsewhere. */
function ignore(): void {}
