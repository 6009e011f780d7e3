// What an error says, against what is known.

import type { CallError, CallRecord } from "./records.ts";

/** What is known of a call that failed, while it waited or shortly before. */
export interface Facts {
  /** Something was wrong that may have hit it. */
  readonly isTroubled: boolean;
  readonly wasQueueMissing: boolean;
  readonly wasQueueUnserved: boolean;
  /** The broker may have refused messages. */
  readonly wereMessagesRefused: boolean;
  readonly wereLoginsRefused: boolean;
  /** Its client was being closed. */
  readonly wasClosing: boolean;
  /** The request or its reply is more than the broker takes. */
  readonly isTooLarge: boolean;
  /** The broker allows few channels on a connection. */
  readonly hasFewChannels: boolean;
  /** Its procedure throws, as planned. */
  readonly throws: boolean;
  /** It may have been delivered more often than a server takes it. */
  readonly isWornOut: boolean;
}

/** What is not true about an error, where something is not. */
export function lieOf(
  call: CallRecord,
  error: CallError,
  facts: Facts,
): string | undefined {
  const { abortAfterMs, options, startMs, endMs = 0 } = call;
  const { code, reason } = error;
  if (error.remote) return remoteLie(call, error, facts);
  switch (reason) {
    case "no_queue":
      if (facts.wasQueueMissing) return;
      return "the queue was there all the time";
    case "no_consumer":
      if (facts.wasQueueUnserved) return;
      return "the queue had a consumer all the time";
    case "rejected":
      return facts.wereMessagesRefused ? undefined : "nothing was refused";
    case "refused":
      return facts.wereLoginsRefused ? undefined : "no login was refused";
    case "blocked":
    case "connection_lost":
    case "broker_unreachable":
      return facts.isTroubled ? undefined : "nothing was wrong";
    case "closed":
      return facts.wasClosing ? undefined : "nobody closed it";
    case "not_admitted":
      return facts.hasFewChannels && facts.isTroubled
        ? undefined
        : "nothing was too much";
    case "too_large":
      return facts.isTooLarge ? undefined : "it was not too large";
    case undefined:
      break;
    default:
      return "there is no reason for it";
  }
  if (code === "canceled") {
    const isDue = abortAfterMs !== undefined &&
      endMs - startMs >= abortAfterMs;
    return isDue ? undefined : "nobody canceled it";
  }
  if (code !== "deadline_exceeded") return "there is no reason for it";
  const earlyMs = startMs + options.timeoutMs - endMs;
  return earlyMs > 1 ? `${earlyMs} ms are left` : undefined;
}

function remoteLie(
  { runs }: CallRecord,
  { code }: CallError,
  facts: Facts,
): string | undefined {
  switch (code) {
    case "failed_precondition":
      return facts.throws && runs.length > 0
        ? undefined
        : "the procedure did not throw";
    case "deadline_exceeded":
      return;
    case "canceled":
      return "nobody canceled it";
    case "aborted":
      return facts.isWornOut ? undefined : "it was not delivered too often";
    case "resource_exhausted":
      return facts.isTooLarge ? undefined : "it was not too large";
    case "internal":
      return facts.wereMessagesRefused ? undefined : "nothing was refused";
    default:
      return "there is no reason for it";
  }
}
