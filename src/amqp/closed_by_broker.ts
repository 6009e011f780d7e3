/**
 * That the broker closed a channel or a connection, and why.
 *
 * @module
 */

import { textOfBytes } from "../amqp091/text.ts";

/** The error carries the broker's reply code and text. */
export class ClosedByBroker extends Error {
  /** The reply code of AMQP, 404 for `NOT_FOUND` for example. */
  readonly replyCode: number;
  /**
   * `NOT_FOUND - no queue 'q' in vhost '/'` for example; RabbitMQ cuts off long
   * texts.
   */
  readonly replyText: string;

  /** `what` was closed; the text is as it came, a byte string. */
  constructor(
    what: "channel" | "connection",
    replyCode: number,
    replyText: string,
  ) {
    const text = textOfBytes(replyText);
    super(`${what} closed: ${text} (${replyCode})`);
    this.name = "ClosedByBroker";
    this.replyCode = replyCode;
    this.replyText = text;
  }
}

/** The broker's reply code, if it closed something. */
export function replyCodeOf(error: unknown): number | undefined {
  return error instanceof ClosedByBroker ? error.replyCode : undefined;
}
