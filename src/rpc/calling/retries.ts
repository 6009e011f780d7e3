/**
 * Sends a request again, within its deadline, if that may help.
 *
 * @module
 */
import { backoffMs } from "../../async/backoff.ts";
import { nowMs } from "../../async/clock.ts";
import { delay } from "../../async/delay.ts";
import { LONGEST_TIMER_MS } from "../../async/timers.ts";
import { remedyOf, RpcError } from "../errors.ts";
import type { RpcReply } from "../messages.ts";
import { canceledError, maybeExecutedBefore } from "./failures.ts";

/** When to send again. */
export interface RetryPolicy {
  /** Attempts beyond the first that may reach a server. */
  retries?: number;
  /** Send again after this time without a reply, in ms. */
  attemptTimeoutMs?: number;
  /** Whether to wait for a broker and a queue to appear. */
  wait?: boolean;
  /** When the time is up, on the clock of `nowMs()`. */
  dueMs: number;
  signal?: AbortSignal;
  /** Whether a lost connection may be risked again; by default it may. */
  survived?: (error: RpcError) => boolean;
  /** Aborted when there is a connection again: ends the present pause. */
  reconnected?: () => AbortSignal;
}

/** Too little time for another attempt. */
const LAST_PAUSE_MS = 20;

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
  const attempts = new Attempts();
  let retriesLeft = policy.retries ?? 0;
  let failures = 0;
  let before: RpcError | undefined;
  for (let attempt = 1;; attempt++) {
    attempts.add(send(attempt));
    const end = await attempts.next(
      retriesLeft > 0 ? policy.attemptTimeoutMs : undefined,
    );
    if (end === "silence") {
      retriesLeft--;
      continue;
    }
    if ("reply" in end) return end.reply;
    const { error } = end;
    const survived = policy.survived?.(error) ?? true;
    const again = survived &&
      (isFree(error, policy) ||
        (remedyOf(error) === "retry" && retriesLeft-- > 0));
    // A request that was sent had a connection: no need to wait for one.
    failures = error.maybeExecuted ? 1 : failures + 1;
    if (again) await pause(failures, policy, attempts);
    if (!again || nowMs() >= policy.dueMs) {
      throw attempts.failure(mostTelling(error, before));
    }
    before = error;
  }
}

/**
 * The last attempt may only say that the time was up; the one before it says
 * why it could not connect.
 */
function mostTelling(error: RpcError, before: RpcError | undefined): RpcError {
  const { code, maybeExecuted, reason, remote } = error;
  const toldNothing = code === "deadline_exceeded" && !remote &&
    !maybeExecuted && reason === undefined;
  return toldNothing && remedyOf(before) === "resend" ? before! : error;
}

/** Shorter towards the deadline: all of the time is used. */
function pauseMs(failures: number, { dueMs }: RetryPolicy): number {
  const leftMs = dueMs - nowMs();
  return leftMs < LAST_PAUSE_MS
    ? leftMs
    : Math.min(backoffMs(failures), leftMs / 2);
}

/** The attempts of one call that have not ended. */
class Attempts {
  readonly #open = new Set<Promise<End>>();
  #maybeExecuted = false;

  add(sending: Promise<RpcReply>): void {
    // Never rejects: an attempt that was given up may fail unseen.
    const attempt: Promise<End> = sending.then(
      (reply) => ({ reply }),
      (thrown) => ({ error: RpcError.from(thrown), attempt }),
    );
    this.#open.add(attempt);
  }

  /**
   * The next end that decides something: an attempt that failed on its way
   * does not, while another is open.
   */
  async next(silenceMs: number | undefined): Promise<End> {
    while (true) {
      const end = await firstEnd(this.#open, silenceMs);
      if (end === "silence" || "reply" in end) return end;
      const { error, attempt } = end;
      this.#open.delete(attempt);
      this.#maybeExecuted ||= error.maybeExecuted;
      if (error.remote || this.#open.size === 0) return end;
    }
  }

  /** The error of the call, with what is true of all its attempts. */
  failure(error: RpcError): RpcError {
    const maybeExecuted = this.#maybeExecuted || this.#open.size > 0;
    return maybeExecuted ? maybeExecutedBefore(error) : error;
  }
}

async function firstEnd(
  open: ReadonlySet<Promise<End>>,
  silenceMs = Infinity,
): Promise<End> {
  if (silenceMs > LONGEST_TIMER_MS) return await Promise.race(open);
  const answered = new AbortController();
  const silence = delay(silenceMs, answered.signal)
    .then(() => "silence" as const);
  try {
    return await Promise.race([...open, silence]);
  } finally {
    answered.abort();
  }
}

/**
 * Whether the attempt reached no server, so that another is not counted as a
 * retry. (A message is refused if the queue is full, or a quorum queue has
 * no leader just now, as while it is being declared.)
 */
function isFree(error: RpcError, { retries, wait }: RetryPolicy): boolean {
  if (error.maybeExecuted) return false;
  const remedy = remedyOf(error);
  if (remedy === "wait") return Boolean(wait);
  const isUnsent = remedy === "resend" || remedy === "retry";
  return isUnsent && Boolean(wait || retries);
}

/** A pause ends early when another call has found a connection. */
async function pause(
  failures: number,
  policy: RetryPolicy,
  attempts: Attempts,
): Promise<void> {
  const { signal, reconnected } = policy;
  const ends = [signal, reconnected?.()].filter((end) => end !== undefined);
  try {
    await delay(pauseMs(failures, policy), AbortSignal.any(ends));
  } catch {
    if (signal?.aborted) throw attempts.failure(canceledError(signal, false));
  }
}
