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
 * What one connection has learnt about sizes. The broker tells its limit only
 * when it closes a channel for a message over it, and that is to happen once.
 */
export class MessageSizes {
  /** The largest body that the broker has confirmed. */
  taken = 0;
  /** The largest that it takes, as far as is known. */
  limit = Infinity;
  /** The broker's, as it would say it of another size. */
  #words: (bytes: number) => string = String;

  /** Learns from why the broker closed a channel; whether it was for a size. */
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
      `the broker does not take so large a message: ${this.#words(bytes)}`,
    );
  }
}
