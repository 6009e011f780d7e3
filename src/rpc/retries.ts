/**
 * Sends a request again, within its deadline, where that may help.
 *
 * @module
 */
import { backoffMs } from "./backoff.ts";
import { delay } from "./delay.ts";
import { RpcError } from "./errors.ts";
import { canceledError, isAbsence } from "./failures.ts";
import type { RpcReply } from "./wire.ts";

/** When to send again. */
export interface RetryPolicy {
  /** Attempts beyond the first that may reach a server. */
  retries?: number;
  /** Send again after so long without a reply, in ms. */
  attemptTimeoutMs?: number;
  /** Whether to wait for a broker and a queue to appear. */
  wait?: boolean;
  /** In ms since the epoch. */
  deadlineMs: number;
  signal?: AbortSignal;
  /** Aborted when there is a connection again: ends the present pause. */
  reconnected?: () => AbortSignal;
}

/** How one of the attempts ended, or that none did. */
type End =
  | { reply: RpcReply }
  | { error: RpcError; attempt: Promise<End> }
  | "silence";

/**
 * The first reply, or the first error that another attempt would not mend.
 * Attempts that were silent stay open: the reply to any of them counts.
 */
export async function withRetries(
  send: (attempt: number) => Promise<RpcReply>,
  policy: RetryPolicy,
): Promise<RpcReply> {
  const open = new Set<Promise<End>>();
  let retriesLeft = policy.retries ?? 0;
  let failures = 0;
  for (let attempt = 1;; attempt++) {
    open.add(watch(send(attempt)));
    const end = await firstEnd(open, retriesLeft > 0 ? policy : undefined);
    if (end === "silence") {
      retriesLeft--;
      continue;
    }
    if ("reply" in end) return end.reply;
    const { error } = end;
    if (isLost(error)) {
      // All were on that connection: one attempt takes the place of them all.
      open.clear();
      if (error.maybeExecuted && retriesLeft-- === 0) throw error;
    } else {
      open.delete(end.attempt);
      if (!mayAppear(error, policy)) throw error;
    }
    // What was sent had found a connection: no reason yet to be patient.
    failures = error.maybeExecuted ? 1 : failures + 1;
    const pauseMs = backoffMs(failures);
    if (Date.now() + pauseMs >= policy.deadlineMs) throw error;
    await pause(pauseMs, policy);
  }
}

/** Never rejects: an attempt that was given up may fail unseen. */
function watch(sending: Promise<RpcReply>): Promise<End> {
  const attempt: Promise<End> = sending.then(
    (reply) => ({ reply }),
    (thrown) => ({ error: RpcError.from(thrown), attempt }),
  );
  return attempt;
}

async function firstEnd(
  open: ReadonlySet<Promise<End>>,
  policy: RetryPolicy | undefined,
): Promise<End> {
  const { attemptTimeoutMs } = policy ?? {};
  if (attemptTimeoutMs === undefined) return await Promise.race(open);
  const answered = new AbortController();
  const silence = delay(attemptTimeoutMs, answered.signal)
    .then(() => "silence" as const);
  try {
    return await Promise.race([...open, silence]);
  } finally {
    answered.abort();
  }
}

function isLost(error: RpcError): boolean {
  return !error.remote && error.reason === "connection_lost";
}

/** Whether what is missing may come, and is to be waited for. */
function mayAppear(error: RpcError, { retries, wait }: RetryPolicy): boolean {
  if (!isAbsence(error)) return false;
  return Boolean(wait) ||
    (Boolean(retries) && error.reason === "broker_unreachable");
}

/** A pause ends early when another call has found a connection. */
async function pause(
  ms: number,
  { signal, reconnected }: RetryPolicy,
): Promise<void> {
  const ends = [signal, reconnected?.()].filter((end) => end !== undefined);
  try {
    await delay(ms, AbortSignal.any(ends));
  } catch {
    if (signal?.aborted) throw canceledError(signal, false);
  }
}
