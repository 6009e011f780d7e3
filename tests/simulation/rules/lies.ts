// What an error says, against what is known.

import type { RpcError } from "../product.ts";
import type { QueueHistory } from "./queue_history.ts";
import type { CallRecord } from "./records.ts";
import type { Trouble } from "./troubles.ts";

/** What is known of a call that failed. */
export interface Facts {
  readonly queue: QueueHistory;
  /** What may have hit it. */
  readonly troubles: readonly Trouble[];
  readonly isQuorum: boolean;
  /** Its client is being closed. */
  readonly isClosing: boolean;
  /** The request or its reply is more than the broker takes. */
  readonly isTooLarge: boolean;
  readonly hasFewChannels: boolean;
}

/** What is not true about an error, where something is not. */
export function lieOf(
  call: CallRecord,
  error: RpcError,
  facts: Facts,
): string | undefined {
  const { planned: { abortAfterMs, options }, startMs, endMs = 0 } = call;
  const { code, reason } = error;
  if (error.remote) return remoteLie(call, error, facts);
  const had = (...kinds: Trouble["kind"][]) =>
    facts.troubles.some(({ kind }) => kinds.includes(kind));
  switch (reason) {
    case "no_queue":
      if (facts.queue.wasMissing(startMs, endMs)) return;
      return "the queue was there all the time";
    case "no_consumer":
      if (facts.queue.wasUnserved(startMs, endMs)) return;
      return "the queue had a consumer all the time";
    case "rejected":
      return had("refuse-messages") ? undefined : "nothing was refused";
    case "refused":
      return had("refuse-login") ? undefined : "no login was refused";
    case "blocked":
    case "connection_lost":
    case "broker_unreachable":
      return facts.troubles.length > 0 ? undefined : "nothing was wrong";
    case "closed":
      return facts.isClosing ? undefined : "nobody closed it";
    case "overloaded":
      return facts.hasFewChannels && facts.troubles.length > 0
        ? undefined
        : "channels are free";
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
  { planned: { work }, runs, deliveries }: CallRecord,
  { code }: RpcError,
  facts: Facts,
): string | undefined {
  const had = (kind: Trouble["kind"]) =>
    facts.troubles.some((it) => it.kind === kind);
  switch (code) {
    case "failed_precondition":
      return work.type === "throw" && runs.length > 0
        ? undefined
        : "the procedure did not throw";
    case "deadline_exceeded":
      return;
    case "canceled":
      return "nobody canceled it";
    case "aborted":
      return facts.isQuorum && deliveries > 5
        ? undefined
        : "it was not delivered too often";
    case "resource_exhausted":
      return facts.isTooLarge ? undefined : "it was not too large";
    case "internal":
      return had("refuse-messages") ? undefined : "nothing was refused";
    default:
      return "there is no reason for it";
  }
}
