// What requests carry.

import type { Breach } from "../../rules/records.ts";
import type { Method } from "../wire/frames.ts";
import type { SimulatedCall } from "./records.ts";

const PERSISTENT = 2;

/** What is wrong with a request that is sent for a call. */
export function brokenByRequest(
  call: SimulatedCall,
  { properties = {} }: Method,
): Breach | undefined {
  const { persistent, priority, retries, timeoutMs } = call.planned.options;
  const { deliveryMode, expiration, messageId } = properties;
  // It may have waited to be written, but was never more than that.
  const wholeMs = call.stream ? call.stream.terms.timeoutMs : timeoutMs;
  const expirationMs = Number(expiration);
  const isRight = wholeMs === undefined
    ? expiration === undefined
    : expirationMs >= 0 && expirationMs <= wholeMs;
  if (!isRight) {
    const what = `expires in ${expiration} ms, of ${wholeMs}`;
    return { rule: "no expired runs", what };
  }
  const wrong = (what: string) => ({ rule: "requests", what });
  if ((deliveryMode === PERSISTENT) !== Boolean(persistent)) {
    return wrong(`is sent with delivery mode ${deliveryMode}`);
  }
  if (properties.priority !== priority) {
    return wrong(`is sent with priority ${properties.priority}`);
  }
  const isFirst = call.messageId === undefined;
  if (isFirst) call.messageId = messageId;
  if (messageId !== call.messageId || Boolean(messageId) !== Boolean(retries)) {
    return wrong(`is sent with the message id ${messageId}`);
  }
}
