// What the main thread and its workers tell each other.

import type { HistoryResult } from "./history.ts";
import type { Plan, PlanOptions } from "./plan.ts";
import type { Violation } from "./world/world.ts";

/** What a worker is asked for, one thing after the other. */
export type Order =
  /** Histories of the plans of these seeds. */
  | {
    readonly type: "run";
    readonly seeds: readonly number[];
    readonly options: PlanOptions;
    /** No more after the first that fails. */
    readonly stops: boolean;
  }
  /** One history, with its trace. */
  | { readonly type: "trace"; readonly plan: Plan }
  /** The same rule broken by as little as possible. */
  | { readonly type: "shrink"; readonly plan: Plan };

/** A history that broke a rule. */
export interface Failure {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
}

/** What a run of histories came to. */
export interface Tally {
  readonly histories: number;
  readonly answered: number;
  readonly failed: number;
  readonly faults: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly failures: readonly Failure[];
}

/** What a worker answers. */
export type Answer =
  | { readonly type: "ready" }
  /** A history of a run begins; the answer is yet to come. */
  | { readonly type: "begun"; readonly seed: number }
  /** It could not do it. */
  | { readonly type: "failed"; readonly error: string }
  | { readonly type: "run"; readonly tally: Tally }
  | { readonly type: "trace"; readonly result: HistoryResult }
  | { readonly type: "shrink"; readonly plan: Plan; readonly runs: number };
