// Which calls had to be answered.

import { HANDLER_TIMEOUT_MS, NEVER_MS } from "../plan.ts";
import type { CallRecord } from "./records.ts";
import { RECOVERY_MS, type Trouble } from "./troubles.ts";

/** What is known of a call that was not answered. */
export interface Circumstances {
  /** What may have hit it. */
  readonly troubles: readonly Trouble[];
  /** What it takes where all is well, its work not counted. */
  readonly needsMs: number;
  readonly isTooLarge: boolean;
  readonly hasFewChannels: boolean;
}

/** More than there are faults. */
const MANY_RETRIES = 50;
/** Work that comes closer to the limit of a server may be called off. */
const MARGIN_MS = 2_000;

/** Why a call had to be answered as planned, where it had to. */
export function mustAnswer(
  call: CallRecord,
  circumstances: Circumstances,
): string | undefined {
  const { planned: { abortAfterMs, work, options }, startMs } = call;
  const isAborted = abortAfterMs !== undefined && abortAfterMs < NEVER_MS;
  if (isAborted || work.type !== "answer") return;
  const { troubles: hitting, needsMs } = circumstances;
  // A refused login ends a call, and a reply that is refused is no more.
  const isRefused = hitting.some(({ kind }) =>
    kind === "refuse-login" || kind === "refuse-messages"
  );
  // What sleeps on a server that is paused is over before it wakes up.
  const isPaused = hitting.some(({ kind, scope }) =>
    kind === "pause" && scope.serversOf
  );
  if (isRefused || isPaused || circumstances.isTooLarge) return;
  const recoveredMs = Math.max(
    startMs,
    ...hitting.map(({ untilMs }) => untilMs + RECOVERY_MS),
  );
  const neededMs = work.afterMs + needsMs;
  if (work.afterMs + MARGIN_MS > HANDLER_TIMEOUT_MS) return;
  if (recoveredMs + neededMs > startMs + options.timeoutMs) return;
  if (hitting.length === 0) return "nothing was wrong";
  // Those of a blocked connection are not closed, and others not opened.
  if (circumstances.hasFewChannels) return;
  // With its queue a request goes without a word.
  const isGone = hitting.some(({ scope }) => scope.queue) &&
    options.attemptTimeoutMs === undefined;
  if (isGone) return;
  const isRetried = (options.retries ?? 0) >= MANY_RETRIES;
  if (isRetried && options.wait) return "all was well for long enough";
  const survives = hitting.every(({ scope }) => scope.serversOf);
  return survives && !options.requireConsumer
    ? "only servers were in trouble, and not for long"
    : undefined;
}
