// Which calls had to be answered.

import type { CallRecord } from "./records.ts";

/** What is known of a call that was not answered. */
export interface Circumstances {
  /** Why nobody can say that it had to be, where that is so. */
  readonly excuse?: string | undefined;
  /** What may have hit it: nothing, servers alone, or anything. */
  readonly hit: "nothing" | "servers" | "anything";
  /** Its queue was deleted, and its request with it. */
  readonly wasDeleted: boolean;
  /** When all was well, and from then on. */
  readonly recoveredMs: number;
  /** What it takes where all is well. */
  readonly needsMs: number;
  /** Retries that are more than could be used up. */
  readonly manyRetries: number;
}

/** Why a call had to be answered as planned, where it had to. */
export function mustAnswer(
  { options, startMs }: CallRecord,
  circumstances: Circumstances,
): string | undefined {
  const { excuse, hit, wasDeleted, needsMs, manyRetries } = circumstances;
  const recoveredMs = Math.max(startMs, circumstances.recoveredMs);
  if (excuse || recoveredMs + needsMs > startMs + options.timeoutMs) return;
  if (hit === "nothing") return "nothing was wrong";
  // With its queue a request goes without a word.
  if (wasDeleted && options.attemptTimeoutMs === undefined) return;
  const isRetried = (options.retries ?? 0) >= manyRetries;
  if (isRetried && options.wait) return "all was well for long enough";
  return hit === "servers" && !options.requireConsumer
    ? "only servers were in trouble, and not for long"
    : undefined;
}
