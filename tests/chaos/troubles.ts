// What was wrong, and when: why a call may have failed.

import type { FailureCircumstances } from "../rules/ends.ts";
import type { Facts } from "../rules/lies.ts";
import type { CallRecord } from "../rules/records.ts";
import type { FaultKind } from "./plan.ts";

interface Trouble {
  readonly kind: FaultKind;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  untilMs: number;
}

/** By then all is well again by itself. */
const RECOVERY_MS = 35_000;
/** What a call with retries has, and no run uses up. */
const MANY_RETRIES = 20;

/** Those that the broker may refuse messages for. */
const REFUSING: FaultKind[] = [
  "delete-request-queue",
  "restart-broker",
  "kill-broker",
  "lose-leader",
];
/** Those that take no server its consumer. */
const HARMLESS: FaultKind[] = ["delete-callback-queue", "alarm"];

/** All faults of a run. */
export class Troubles {
  readonly #all: Trouble[] = [];
  readonly #isQuorum: boolean;

  constructor(queueType: "classic" | "quorum") {
    this.#isQuorum = queueType === "quorum";
  }

  /** A fault begins; the function returned ends it. */
  begin(kind: FaultKind): () => void {
    const trouble = { kind, fromMs: Date.now(), untilMs: Infinity };
    this.#all.push(trouble);
    return () => trouble.untilMs = Date.now();
  }

  /** What a call that failed had to cope with. */
  circumstances(call: CallRecord): FailureCircumstances {
    const kinds = this.#hitting(call);
    return {
      facts: this.#facts(kinds),
      hit: kinds.length === 0 ? "nothing" : "anything",
      wasDeleted: kinds.includes("delete-request-queue"),
      // Each fault is shorter by far than what calls with retries may take.
      recoveredMs: 0,
      needsMs: 0,
      manyRetries: MANY_RETRIES,
    };
  }

  #facts(kinds: readonly FaultKind[]): Facts {
    const isTroubled = kinds.length > 0;
    return {
      isTroubled,
      wasQueueMissing: kinds.includes("delete-request-queue"),
      wasQueueUnserved: kinds.some((kind) => !HARMLESS.includes(kind)),
      wereMessagesRefused: kinds.some((kind) => REFUSING.includes(kind)),
      wereLoginsRefused: false,
      wasClosing: false,
      isTooLarge: false,
      hasFewChannels: false,
      throws: false,
      isWornOut: this.#isQuorum && isTroubled,
    };
  }

  #hitting({ startMs, endMs = Infinity }: CallRecord): FaultKind[] {
    return this.#all.filter(({ fromMs, untilMs }) =>
      fromMs <= endMs && untilMs + RECOVERY_MS >= startMs
    ).map(({ kind }) => kind);
  }
}
