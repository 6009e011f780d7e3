// The books of a chaos run: every call, what became of it, and where it ran;
// held against the rules that simulated histories keep as well.

import { brokenAtLast, brokenByEnd, ENDED_TWICE } from "../rules/ends.ts";
import type { Breach, CallRecord, Run } from "../rules/records.ts";
import { expired, repeatOf, uncounted } from "../rules/runs.ts";
import type { ExecutedLine, ExecutionLine, OutcomeLine } from "./messages.ts";
import type { FaultCounts, FaultKind } from "./plan.ts";
import { Troubles } from "./troubles.ts";

/** Calls by how they ended; the five add up to all calls. */
export interface CallCounts {
  /** With the right answer. */
  answered: number;
  /** With a typed error, as it may. */
  failed: number;
  /** With a wrong answer, or with something that is no RpcError. */
  wrong: number;
  /** Not at all, too late, or with an error although all was well. */
  lost: number;
  /** Calls (of any of those above) that ended more than once. */
  twice: number;
}

/** Violations that are told one by one. */
const MAX_TOLD = 40;
/** What is told of each, in characters. */
const MAX_LENGTH = 300;
/** Half a second to find out why, and one more on a busy machine. */
const LATE_MS = 1_500;
/** Between a process and the line that it says. */
const CLOCK_MS = 1_000;
/** Half of what a server remembers at least. */
const REMEMBERED = { runs: 5_000, ms: 150_000 };

/** A run, and which of its server it is, from 1. */
interface CountedRun extends Run {
  readonly ordinal: number;
}

/** Keeps count of a run. */
export class Ledger {
  readonly calls: number;
  readonly troubles: Troubles;
  readonly faults: FaultCounts = {};
  /** Why faults could not be caused. */
  readonly faultsNotCaused: string[] = [];
  /** Failed calls by code and reason. */
  readonly errors = new Map<string, number>();
  /** What went against the rules. */
  readonly violations: string[] = [];
  #violationCount = 0;
  readonly #ended = new Map<number, CallRecord>();
  readonly #runs = new Map<number, CountedRun[]>();
  readonly #runsByServer = new Map<string, number>();
  readonly #twice = new Set<number>();
  readonly #counts = { answered: 0, failed: 0, wrong: 0, lost: 0 };
  readonly #waiting = new Map<PromiseWithResolvers<void>, number>();
  #attempts = 0;
  #slowestMs = 0;

  /** Of a run of so many calls, numbered from 1. */
  constructor(calls: number, troubles: Troubles = new Troubles("classic")) {
    this.calls = calls;
    this.troubles = troubles;
  }

  /** Calls that have ended. */
  get ended(): number {
    return this.#ended.size;
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
    if (this.ended >= count) reached.resolve();
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
  execution(server: string, line: ExecutionLine): void {
    const { call, startMs, messageId, correlationId } = line;
    if (!this.#known(call)) return this.violation(`call ${call} was not made`);
    const ordinal = (this.#runsByServer.get(server) ?? 0) + 1;
    this.#runsByServer.set(server, ordinal);
    const ids = { messageId, correlationId };
    const state = { isDone: false, isCalledOff: false, isUnanswered: false };
    const run = { call, server, startMs, ordinal, ...ids, ...state };
    const runs = this.#runsOf(call);
    const repeat = repeatOf(run, runs, (before) => isRecent(before, run));
    if (repeat) this.#broken(call, repeat);
    runs.push(run);
  }

  /** A run has its result, or has none any more. */
  executed(server: string, line: ExecutedLine): void {
    const run = this.#runsOf(line.call).findLast((it) =>
      it.server === server && it.correlationId === line.correlationId
    );
    if (run === undefined) return;
    run.isDone = true;
    run.isCalledOff = line.isCalledOff;
  }

  /** A call ended. */
  outcome(client: string, line: OutcomeLine): void {
    const { call: number, options, startMs, endMs, end, attempts } = line;
    if (!this.#known(number)) {
      return this.violation(`call ${number} was not made`);
    }
    if (this.#ended.has(number)) {
      this.#twice.add(number);
      return this.#broken(number, ENDED_TWICE);
    }
    const runs = this.#runsOf(number);
    const call = { number, client, options, startMs, endMs, end, runs };
    this.#ended.set(number, call);
    this.#attempts += attempts;
    this.#slowestMs = Math.max(this.#slowestMs, endMs - startMs);
    this.#counts[this.#judge(call)]++;
    if (end.type === "error") {
      const { code, reason } = end.error;
      const kind = reason ? `${code} (${reason})` : code;
      this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1);
    }
    this.#advance();
  }

  /** Calls by how they ended, as things stand; call it at the end. */
  counts(): CallCounts {
    const { lost, ...others } = this.#counts;
    const missing = this.calls - this.ended;
    return { ...others, lost: lost + missing, twice: this.#twice.size };
  }

  /** How many calls were run so many times. */
  executions(): Map<number, number> {
    const calls = new Map<number, number>();
    const ran = [...this.#runs.values()].filter(({ length }) => length > 0);
    if (ran.length < this.calls) calls.set(0, this.calls - ran.length);
    for (const times of ran.map(({ length }) => length).sort(numerically)) {
      calls.set(times, (calls.get(times) ?? 0) + 1);
    }
    return calls;
  }

  /** What can be said only when every process has told all. */
  close(): void {
    for (let number = 1; number <= this.calls; number++) {
      const call = this.#ended.get(number);
      if (call === undefined) {
        this.violation(`call ${number}: one end: has no end`);
        continue;
      }
      const late = call.runs.map((run) => expired(call, run, CLOCK_MS));
      for (const breach of [...brokenAtLast(call), uncounted(call), ...late]) {
        if (breach) this.#broken(number, breach);
      }
    }
  }

  #known(call: number): boolean {
    return Number.isInteger(call) && call >= 1 && call <= this.calls;
  }

  #runsOf(call: number): CountedRun[] {
    const runs = this.#runs.get(call) ?? [];
    this.#runs.set(call, runs);
    return runs;
  }

  #judge(call: CallRecord): keyof Omit<CallCounts, "twice"> {
    const breaches = brokenByEnd(
      call,
      LATE_MS,
      () => this.troubles.circumstances(call),
    );
    for (const breach of breaches) this.#broken(call.number, breach);
    const broke = (...rules: string[]) =>
      breaches.some(({ rule }) => rules.includes(rule));
    if (broke("right answers", "typed errors")) return "wrong";
    if (broke("deadlines", "no call is lost")) return "lost";
    return call.end?.type === "answer" ? "answered" : "failed";
  }

  #broken(number: number, { rule, what }: Breach): void {
    this.violation(`call ${number}: ${rule}: ${what.slice(0, MAX_LENGTH)}`);
  }

  #advance(): void {
    for (const [reached, count] of this.#waiting) {
      if (this.ended < count) continue;
      this.#waiting.delete(reached);
      reached.resolve();
    }
  }
}

/** Whether a server remembers what it ran, as far as the limits go. */
function isRecent(before: Run, run: CountedRun): boolean {
  const { ordinal } = before as CountedRun;
  return run.ordinal - ordinal < REMEMBERED.runs &&
    run.startMs - before.startMs < REMEMBERED.ms;
}

function numerically(one: number, other: number): number {
  return one - other;
}
