/**
 * Why something failed on a channel, as an RpcError.
 *
 * @module
 */
import { REPLY_CODES } from "../amqp091/errors.ts";
import { failure, RpcError } from "../rpc/errors.ts";
import { formatMs } from "../rpc/texts.ts";
import { replyCodeOf } from "./closed_by_broker.ts";
import { accessRefusal } from "./refusals.ts";

const { ACCESS_REFUSED, RESOURCE_LOCKED } = REPLY_CODES;
/** Except for a limit of queues, which may pass; its text may be cut off. */
const UNDECLARABLE = /PRECONDITION_FAILED - (?!cannot declare queue ').*/s;
/**
 * An expired OAuth 2 token, before RabbitMQ 4.0, which keeps the connection
 * open.
 */
const TOKEN_EXPIRED = /token has expired/;

const TOO_SLOW =
  /delivery acknowledgement on channel \d+ timed out\. Timeout value used: (-?\d+) ms/;

/** Why an operation on a channel failed. */
export function channelFailure(cause: unknown): RpcError {
  if (cause instanceof RpcError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const replyCode = replyCodeOf(cause);
  if (replyCode === ACCESS_REFUSED && TOKEN_EXPIRED.test(message)) {
    return failure("not_admitted", message, { code: "unauthenticated", cause });
  }
  if (replyCode === ACCESS_REFUSED) return accessRefusal(message, cause);
  if (replyCode === RESOURCE_LOCKED) {
    const queue = /queue '(.*?)' in vhost/.exec(message)?.[1] ?? "";
    return failure(
      "locked",
      `queue "${queue}" is exclusive to another connection (405)`,
      { cause },
    );
  }
  const [isTooSlow, limitMs] = TOO_SLOW.exec(message) ?? [];
  if (isTooSlow) return tooSlow(Number(limitMs), cause);
  return failure("connection_lost", `the broker ended it: ${message}`, {
    details: replyCode === undefined ? {} : { reply_code: replyCode },
    cause,
  });
}

/** Why a queue could not be declared. */
export function declarationFailure(queue: string, cause: unknown): RpcError {
  const closed = channelFailure(cause);
  const [words] = UNDECLARABLE.exec(closed.message) ?? [];
  if (words === undefined) return closed;
  return failure(
    "undeclarable",
    `the broker refuses to declare queue "${queue}" like this: ${words}`,
    { cause },
  );
}

/** RabbitMQ takes back all deliveries of a channel for one that is overdue. */
function tooSlow(limitMs: number, cause: unknown): RpcError {
  // RabbitMQ 4.3 does not know it, and writes -1.
  const limit = limitMs > 0 ? ` of ${formatMs(limitMs)}` : "";
  return failure(
    "connection_lost",
    "the broker took this server's requests back, since one was not " +
      `acknowledged within its consumer timeout${limit}`,
    { cause },
  );
}

/** A nack: the broker did not take the message. */
export function rejected(): RpcError {
  return failure(
    "rejected",
    "the broker refused the message; the queue may be full",
  );
}

/** The error for a message that can't be encoded. */
export function unsendable(cause: unknown): RpcError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new RpcError(
    "invalid_argument",
    `the message can't be sent: ${message}`,
    { cause },
  );
}
