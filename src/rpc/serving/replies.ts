/**
 * Replies as they are sent: the outcome of a procedure, or why it can't be
 * sent.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";
import {
  encodeEnd,
  encodeError,
  encodeReply,
  type OutgoingMessage,
} from "../wire.ts";
import type { Outcome } from "./job.ts";
import { replyTooLarge } from "./request_limits.ts";

/** A reply, and the error in it, if any. */
export interface Reply {
  readonly message: OutgoingMessage;
  readonly error: RpcError | undefined;
}

/** The reply to a request, with a limit for its body. */
export function encodeOutcome(
  request: RpcRequest,
  outcome: Outcome,
  maxBytes: number,
): Reply {
  if ("error" in outcome) return errorReply(request, outcome.error);
  if (outcome.items !== undefined) {
    return { message: encodeEnd(request, outcome.items), error: undefined };
  }
  try {
    const message = encodeReply(request, outcome.result);
    const { length } = message.body;
    if (length <= maxBytes) return { message, error: undefined };
    throw replyTooLarge(length, maxBytes);
  } catch (thrown) {
    return errorReply(request, RpcError.from(thrown));
  }
}

/** An error reply. */
export function errorReply(request: RpcRequest, error: RpcError): Reply {
  return { message: encodeError(request, error), error };
}

/**
 * The error that the caller gets in place of a reply that the broker does not
 * accept.
 */
export function unsendable(cause: RpcError): RpcError {
  const isTooMuch = cause.reason === "too_large" ||
    cause.reason === "overloaded";
  return new RpcError(
    isTooMuch ? "resource_exhausted" : "internal",
    `the reply could not be sent: ${cause.message}`,
    { cause },
  );
}
