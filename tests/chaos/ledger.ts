// The books of a chaos run: every call, what became of it, how often it ran.

import type { OutcomeLine } from "./messages.ts";
import type { FaultCounts, FaultKind } from "./plan.ts";

/** Calls by how they ended; the five add up to all calls. */
export interface CallCounts {
  /** With the right answer. */
  answered: number;
  /** Without retries: with a typed error, within the deadline. */
  failed: number;
  /** With a wrong answer, or with something that is no RpcError. */
  wrong: number;
  /** Not at all, too late, or, with retries, with an error. */
  lost: number;
  /** Calls (of any of those above) that ended more than once. */
  twice: number;
}

/** Violations that are told one by one. */
const MAX_TOLD = 40;

/** Keeps count of a run. */
export class Ledger {
  readonly calls: number;
  readonly faults: FaultCounts = {};
  /** Why faults could not be caused. */
  readonly faultsNotCaused: string[] = [];
  /** Failed calls by code and reason. */
  readonly errors = new Map<string, number>();
  /** What went against the rules. */
  readonly violations: string[] = [];
  #violationCount = 0;
  readonly #outcomes: Uint8Array;
  readonly #executions: Uint16Array;
  /** Calls whose error said that they can't have run. */
  readonly #denied = new Set<number>();
  readonly #counts = { answered: 0, failed: 0, wrong: 0, lost: 0 };
  readonly #waiting = new Map<PromiseWithResolvers<void>, number>();
  #ended = 0;
  #attempts = 0;
  #slowestMs = 0;

  /** Of a run of so many calls, numbered from 1. */
  constructor(calls: number) {
    this.calls = calls;
    this.#outcomes = new Uint8Array(calls + 1);
    this.#executions = new Uint16Array(calls + 1);
  }

  /** Calls that have ended. */
  get ended(): number {
    return this.#ended;
  }

  /** Requests that were sent, all attempts counted. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The longest call, in ms. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** Violations, the untold ones too. */
  get violationCount(): number {
    return this.#violationCount;
  }

  /** Resolves when so many calls have ended. */
  reached(count: number): Promise<void> {
    const reached = Promise.withResolvers<void>();
    if (this.#ended >= count) reached.resolve();
    else this.#waiting.set(reached, count);
    return reached.promise;
  }

  /** A rule was broken. */
  violation(what: string): void {
    if (++this.#violationCount <= MAX_TOLD) this.violations.push(what);
  }

  /** A fault was really caused. */
  fault(kind: FaultKind): void {
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
  }

  /** A fault could not be caused. */
  notCaused(why: string): void {
    this.faultsNotCaused.push(why);
  }

  /** A server started to run a call. */
  execution(call: number): void {
    if (!this.#known(call)) return this.violation(`call ${call} was not made`);
    this.#executions[call]!++;
  }

  /** A call ended. */
  outcome(line: OutcomeLine): void {
    const { call } = line;
    if (!this.#known(call)) return this.violation(`call ${call} was not made`);
    if (++this.#outcomes[call]! > 1) {
      return this.violation(`${told(line)}: it had ended before`);
    }
    this.#attempts += line.attempts;
    this.#slowestMs = Math.max(this.#slowestMs, line.elapsedMs);
    this.#counts[this.#judge(line)]++;
    if (line.outcome === "error") this.#error(line);
    this.#advance();
  }

  /** Calls by how they ended, as things stand; call it at the end. */
  counts(): CallCounts {
    const outcomes = [...this.#outcomes.subarray(1)];
    const twice = outcomes.filter((count) => count > 1).length;
    const missing = outcomes.filter((count) => count === 0).length;
    const { lost, ...others } = this.#counts;
    return { ...others, lost: lost + missing, twice };
  }

  /** How many calls were run so many times. */
  executions(): Map<number, number> {
    const calls = new Map<number, number>();
    for (const times of [...this.#executions.subarray(1)].sort(numerically)) {
      calls.set(times, (calls.get(times) ?? 0) + 1);
    }
    return calls;
  }

  /** What can be said only when every process has told all. */
  close(): void {
    for (let call = 1; call <= this.calls; call++) {
      if (this.#outcomes[call] === 0) this.violation(`call ${call}: no end`);
    }
    for (const call of this.#denied) {
      if (this.#executions[call] === 0) continue;
      this.violation(`call ${call}: its error denies that it ran, but it did`);
    }
  }

  #known(call: number): boolean {
    return Number.isInteger(call) && call >= 1 && call <= this.calls;
  }

  #judge(line: OutcomeLine): keyof Omit<CallCounts, "twice"> {
    const { outcome, retried, late } = line;
    if (outcome === "wrong" || outcome === "untyped") {
      this.violation(told(line));
      return "wrong";
    }
    if (late || outcome === "error" && retried) {
      this.violation(told(line));
      return "lost";
    }
    return outcome === "right" ? "answered" : "failed";
  }

  #error({ call, code, reason, maybeExecuted }: OutcomeLine): void {
    const kind = reason ? `${code} (${reason})` : `${code}`;
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1);
    if (!maybeExecuted) this.#denied.add(call);
  }

  #advance(): void {
    this.#ended++;
    for (const [reached, count] of this.#waiting) {
      if (this.#ended < count) continue;
      this.#waiting.delete(reached);
      reached.resolve();
    }
  }
}

function told(line: OutcomeLine): string {
  const { call, outcome, retried, late, attempts, elapsedMs } = line;
  const { code, reason, detail } = line;
  return [
    `call ${call} (${retried ? "with" : "without"} retries)`,
    late ? "too late" : "",
    `${outcome} after ${elapsedMs} ms, ${attempts} attempts`,
    [code, reason].filter(Boolean).join(" "),
    detail?.slice(0, 200) ?? "",
  ].filter(Boolean).join(": ");
}

function numerically(one: number, other: number): number {
  return one - other;
}
