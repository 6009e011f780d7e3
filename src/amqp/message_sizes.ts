/**
 * How large a message the broker takes.
 *
 * @module
 */
import { REPLY_CODES } from "../amqp091/errors.ts";
import { failure, type RpcError } from "../rpc/errors.ts";

/** RabbitMQ's words for a body over its `max_message_size`. */
const TOO_LARGE = /message size (\d+) is larger than .*?max size (\d+)/;

/**
 * What one connection has learned about sizes. The broker reveals its limit
 * only by closing a channel for a message over it, which is to happen once.
 */
export class MessageSizes {
  /** The largest body that the broker has confirmed. */
  taken = 0;
  /** The largest that it accepts, as far as is known. */
  limit = Infinity;
  /** The broker's error, for a body of another size. */
  #words: (bytes: number) => string = String;

  /**
   * Learns from the error that closed a channel; returns whether it was about a
   * size.
   */
  learn(replyCode: number, replyText: string): boolean {
    const match = replyCode === REPLY_CODES.PRECONDITION_FAILED &&
      TOO_LARGE.exec(replyText);
    if (!match) return false;
    this.limit = Number(match[2]);
    this.#words = (bytes) =>
      `${replyCode} ${replyText.replace(match[1]!, String(bytes))}`;
    return true;
  }

  /** For a body over the limit. */
  tooLarge(bytes: number): RpcError {
    return failure(
      "too_large",
      `the broker does not accept a message of this size: ${
        this.#words(bytes)
      }`,
    );
  }
}
