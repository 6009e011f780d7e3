/**
 * That the broker closed a channel or a connection, and why.
 *
 * @module
 */

import { textOfBytes } from "../amqp091/text.ts";

/** Carries the broker's reply code and its words. */
export class ClosedByBroker extends Error {
  /** Of AMQP: 404 for what is not there, say. */
  readonly replyCode: number;
  /** `NOT_FOUND - no queue 'q' in vhost '/'`, say; RabbitMQ cuts it off. */
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

/** The broker's reply code, where it closed something. */
export function replyCodeOf(error: unknown): number | undefined {
  return error instanceof ClosedByBroker ? error.replyCode : undefined;
}
