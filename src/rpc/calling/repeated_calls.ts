/**
 * Calls that may be made more than once.
 *
 * @module
 */
import type { RpcReply } from "../messages.ts";
import type { Call } from "./call.ts";
import type { Cancellations } from "./cancellations.ts";
import { overtaken } from "./failures.ts";
import type { PendingCall, PendingCalls } from "./pending.ts";
import type { Requesters } from "./requesters.ts";
import { withRetries } from "./retries.ts";

/** Makes attempts of calls, and knows which calls have not ended. */
export class RepeatedCalls {
  readonly #pending: PendingCalls;
  readonly #requesters: Requesters;
  readonly #cancellations: Cancellations;
  readonly #attempt: (call: Call) => Promise<RpcReply>;
  /** Between its attempts, a call has none that is pending. */
  readonly #underWay = new Set<Promise<RpcReply>>();

  /** `attempt` makes one attempt. */
  constructor(
    pending: PendingCalls,
    requesters: Requesters,
    cancellations: Cancellations,
    attempt: (call: Call) => Promise<RpcReply>,
  ) {
    this.#pending = pending;
    this.#requesters = requesters;
    this.#cancellations = cancellations;
    this.#attempt = attempt;
  }

  /** Makes attempts until one ends the call, or its time is up. */
  async make(call: Call, attempts: PendingCall[]): Promise<RpcReply> {
    const reply = this.#attempts(call, attempts);
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

  async #attempts(call: Call, attempts: PendingCall[]): Promise<RpcReply> {
    const { options, dueMs } = call;
    try {
      return await withRetries((attempt) => {
        options.onAttempt?.(attempt);
        return this.#attempt(call);
      }, {
        ...options,
        dueMs,
        survived: (error) => call.trial?.survived(error) ?? true,
        reconnected: () => this.#requesters.reopened,
      });
    } finally {
      for (const attempt of attempts) {
        const { correlationId } = attempt;
        const waited = this.#pending.settle(correlationId, overtaken());
        if (waited) this.#cancellations.tell(attempt);
      }
    }
  }
}
