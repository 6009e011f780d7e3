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

const LONGEST_TIMER_MS = 2 ** 31 - 1;

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
  for (let attempt = 1;; attempt++) {
    open.add(watch(send(attempt)));
    const end = await lastWord(open, retriesLeft > 0 ? policy : undefined);
    if (end === "silence") {
      retriesLeft--;
      continue;
    }
    if ("reply" in end) return end.reply;
    const { error } = end;
    if (isLost(error) && retriesLeft > 0) retriesLeft--;
    else if (!mayAppear(error, policy)) throw error;
    const leftMs = policy.deadlineMs - Date.now();
    await pause(Math.min(backoffMs(attempt), leftMs), policy.signal);
    if (Date.now() >= policy.deadlineMs) throw error;
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

/** How the attempts end: one that failed on its way leaves it to the others. */
async function lastWord(
  open: Set<Promise<End>>,
  policy: RetryPolicy | undefined,
): Promise<End> {
  while (true) {
    const end = await firstEnd(open, policy?.attemptTimeoutMs ?? Infinity);
    if (end === "silence" || "reply" in end) return end;
    open.delete(end.attempt);
    if (end.error.remote || open.size === 0) return end;
  }
}

async function firstEnd(
  open: ReadonlySet<Promise<End>>,
  attemptTimeoutMs: number,
): Promise<End> {
  if (attemptTimeoutMs > LONGEST_TIMER_MS) return await Promise.race(open);
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

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, signal);
  } catch {
    throw canceledError(signal!, false);
  }
}
