/**
 * Replies as they are sent: what a procedure came to, or why it can't be told.
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

/** A reply, and the error that it tells of, if it does. */
export interface Reply {
  readonly message: OutgoingMessage;
  readonly error: RpcError | undefined;
}

/** The reply to a request, of so many bytes at most. */
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

/** The reply that tells of an error. */
export function errorReply(request: RpcRequest, error: RpcError): Reply {
  return { message: encodeError(request, error), error };
}

/** What the caller hears in place of a reply that the broker does not take. */
export function unsendable(cause: RpcError): RpcError {
  const isTooMuch = cause.reason === "too_large" ||
    cause.reason === "overloaded";
  return new RpcError(
    isTooMuch ? "resource_exhausted" : "internal",
    `the reply could not be sent: ${cause.message}`,
    { cause },
  );
}
