// What was wrong, with whom, and for how long: why a call may have failed.

import type { FaultKind } from "../plan.ts";

/** Whom it hits; all where nobody is named. */
export interface Scope {
  readonly client?: string;
  /** The queue whose servers are hit, or one of them. */
  readonly serversOf?: string;
  readonly queue?: string;
}

/** Something that is or was wrong. */
export interface Trouble {
  readonly kind: FaultKind;
  readonly scope: Scope;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  untilMs: number;
}

/**
 * By then all is well again by itself: heartbeats have found out, connects have
 * timed out, and the longest backoff has passed.
 */
export const RECOVERY_MS = 35_000;

/** All troubles of a history. */
export class Troubles {
  readonly #all: Trouble[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Begins; the function returned ends it. */
  begin(kind: FaultKind, scope: Scope): () => void {
    const fromMs = this.#now();
    const trouble = { kind, scope, fromMs, untilMs: Infinity };
    this.#all.push(trouble);
    return () => trouble.untilMs = this.#now();
  }

  /** When the last of them ended; Infinity where one lasts. */
  get overMs(): number {
    return Math.max(0, ...this.#all.map(({ untilMs }) => untilMs));
  }

  /** What may have hit a call between these times, the aftermath included. */
  hitting(
    client: string,
    queue: string,
    fromMs: number,
    toMs: number,
    recoveryMs = RECOVERY_MS,
  ): Trouble[] {
    return this.#all.filter(({ scope, ...trouble }) =>
      trouble.fromMs <= toMs && trouble.untilMs + recoveryMs >= fromMs &&
      (scope.client ?? client) === client &&
      (scope.serversOf ?? queue) === queue &&
      (scope.queue ?? queue) === queue
    );
  }
}
