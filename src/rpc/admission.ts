/**
 * Which requests are run: what is refused before any procedure sees it.
 *
 * @module
 */
import { RpcError } from "./errors.ts";
import type { RpcRequest } from "./procedure.ts";
import type { Delivery } from "./transport.ts";
import { numberHeader } from "./wire.ts";

/** What is done with a request that is not run. */
export type Refusal =
  /** Its reply can't be sent anywhere: dead-lettered, or dropped. */
  | { drop: string }
  /** Answered with the error, and dead-lettered, or dropped. */
  | { error: RpcError };

/** Header that quorum queues count deliveries with, from the second on. */
const DELIVERY_COUNT_HEADER = "x-delivery-count";

/** Where nobody can tell what was asked, nor whom to answer. */
export function unreadable({ malformed }: Delivery): Refusal | undefined {
  if (malformed === undefined) return undefined;
  return { drop: `its properties can't be read: ${malformed.message}` };
}

/** Why a request is not run; undefined where it is. */
export function refusal(
  request: RpcRequest,
  maxDeliveries: number,
): Refusal | undefined {
  if (request.replyTo === request.queue) {
    // The reply would come back as a request, for ever.
    return { drop: "its reply_to is the request queue itself" };
  }
  const redeliveries = numberHeader(request.headers, DELIVERY_COUNT_HEADER) ??
    0;
  if (redeliveries > maxDeliveries) {
    const error = new RpcError(
      "aborted",
      `the request was delivered ${redeliveries} times before without being ` +
        "answered; it may be what ends its servers",
    );
    return { error };
  }
  return undefined;
}
