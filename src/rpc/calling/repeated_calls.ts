/**
 * Calls that may be made more than once.
 *
 * @module
 */
import type { RpcReply } from "../messages.ts";
import type { Attempts } from "./attempts.ts";
import type { Call } from "./call.ts";
import { overtaken } from "./failures.ts";
import type { PendingCall } from "./pending.ts";
import { withRetries } from "./retries.ts";

/** Makes attempts of calls, and knows which calls have not ended. */
export class RepeatedCalls {
  readonly #attempts: Attempts;
  readonly #attempt: (call: Call) => Promise<RpcReply>;
  /** Between its attempts, a call has none that is pending. */
  readonly #underWay = new Set<Promise<RpcReply>>();

  /** `attempt` makes one attempt, within the interceptors for that. */
  constructor(
    attempts: Attempts,
    attempt: (call: Call) => Promise<RpcReply>,
  ) {
    this.#attempts = attempts;
    this.#attempt = attempt;
  }

  /** Makes attempts until one ends the call, or its time is up. */
  async make(call: Call, attempts: PendingCall[]): Promise<RpcReply> {
    const reply = this.#repeat(call, attempts);
    this.#underWay.add(reply);
    try {
      return await reply;
    } finally {
      this.#underWay.delete(reply);
    }
  }

  /** Resolves when those under way have ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #repeat(call: Call, attempts: PendingCall[]): Promise<RpcReply> {
    const { options, dueMs } = call;
    const { pending, requesters, cancellations } = this.#attempts;
    try {
      return await withRetries((attempt) => {
        options.onAttempt?.(attempt);
        return this.#attempt(call);
      }, {
        ...options,
        dueMs,
        survived: (error) => call.trial?.survived(error) ?? true,
        reconnected: () => requesters.reopened,
      });
    } finally {
      for (const attempt of attempts) {
        const { correlationId } = attempt;
        const waited = pending.settle(correlationId, overtaken());
        if (waited) cancellations.tell(attempt);
      }
    }
  }
}
