// The rules that calls and runs are held against.

import {
  brokenAtLast,
  brokenByEnd,
  type FailureCircumstances,
} from "../../rules/ends.ts";
import type { Breach } from "../../rules/records.ts";
import { expired, repeatOf, uncounted } from "../../rules/runs.ts";
import { type FaultKind, HANDLER_TIMEOUT_MS } from "../plan.ts";
import type { Method } from "../wire/frames.ts";
import { circumstancesOf, excuseOf } from "./circumstances.ts";
import { brokenByRequest } from "./requests.ts";
import type {
  Beginning,
  DrainingServer,
  SimulatedCall,
  SimulatedRun,
} from "./records.ts";
import { type JudgeParts, Situation } from "./situation.ts";
import { StreamJudge } from "./stream_judge.ts";
import { mostMs, passedOver } from "./turns.ts";

/** Half a second to find out why, and what a turn of the network takes. */
const LATE_MS = 1_000;
/** What a call takes where all is well, its work not counted. */
const QUICK_MS = 2_000;
/** The same where few procedures may run at once, and some never end. */
const CROWDED_MS = 25_000;
/** Faults that end a server, or its runs, or hold them up. */
const ENDING: readonly FaultKind[] = [
  "crash-server",
  "stop-server",
  "refuse-login",
  "pause",
];
/** What a server takes to hear of an abort. */
const CANCEL_MS = 2_000;

/** When a server that stops has given back what it has not started. */
export const STOPPED_MS = 2_000;

/** Holds calls and runs against the rules. */
export class Judge {
  readonly #parts: JudgeParts;
  readonly #situation: Situation;
  readonly #streams: StreamJudge;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
    this.#situation = new Situation(parts);
    this.#streams = new StreamJudge(this.#situation);
  }

  /** Of those calls that are streams. */
  get streams(): StreamJudge {
    return this.#streams;
  }

  /** A call has ended. */
  ended(call: SimulatedCall): void {
    if (call.stream) return this.#streams.ended(call, call.stream);
    const lateMs = LATE_MS + this.#situation.pausedMs(call);
    const broken = brokenByEnd(call, lateMs, () => this.#circumstances(call));
    for (const breach of broken) this.#broken(call, breach);
    const { end } = call;
    if (end?.type === "error" && end.error.code === "canceled") {
      this.#parts.later(CANCEL_MS, () => this.#canceled(call));
    }
  }

  /** A procedure is about to run. */
  run(
    call: SimulatedCall,
    run: SimulatedRun,
    { isStopping, concurrency, waiting, request }: Beginning,
  ): void {
    if (isStopping) {
      this.#violation("drain", call, `starts on ${run.node}, told to stop`);
    }
    const atOnce = this.#activeOn(run) + 1;
    if (atOnce > concurrency) {
      const what = `is one of ${atOnce} at once on ${run.node}`;
      this.#violation("concurrency", call, what);
    }
    if (this.#parts.book().isCanceled(run) && !request.redelivered) {
      const what = `starts on ${run.node}, which knows that it was aborted`;
      this.#violation("aborts are told", call, what);
    }
    const clockMs = this.#situation.clockMs;
    const { now, later, book } = this.#parts;
    const callOf = (number: number) => book().call(number);
    this.#broken(call, passedOver(call, waiting, callOf, now() + clockMs));
    if (call.stream) {
      this.#streams.run(call, run, call.stream, request.redelivered);
    } else {
      this.#broken(call, expired(call, run, clockMs));
      later(mostMs(call, run, clockMs) + LATE_MS, () => this.#ended(call, run));
    }
    // Nobody gives a request to two at once but with a fault.
    const isGivenTwice = this.#parts.plan.faults.some(({ kind }) =>
      kind === "redeliver"
    );
    const isRemembered = () => run.messageId !== undefined || !isGivenTwice;
    this.#broken(call, repeatOf(run, call.runs, isRemembered));
    this.#broken(call, uncounted({ ...call, runs: [...call.runs, run] }));
  }

  /** By now a run is over, or told to end, where its server lives on. */
  #ended({ planned: { queue } }: SimulatedCall, run: SimulatedRun): void {
    if (run.isDone || run.isCalledOff) return;
    const { troubles, now, book } = this.#parts;
    const hitting = troubles.hitting("", queue, run.startMs, now(), 0);
    if (hitting.some(({ kind }) => ENDING.includes(kind))) return;
    this.#violation("time limits", book().call(run.call)!, "goes on and on");
  }

  /** A request is sent. */
  requested(request: Method): void {
    const { body = "" } = request;
    const call = this.#parts.book().call(Number.parseInt(body, 10));
    if (call) this.#broken(call, brokenByRequest(call, request));
  }

  /** No queue took a request: who does not wait for one hears of it. */
  unroutable(number: number): void {
    const call = this.#parts.book().call(number);
    if (call === undefined || call.end || call.isForgotten) return;
    const { retries, wait, timeoutMs } = call.planned.options;
    // Past its deadline it waits for one thing alone: why it got no reply.
    const isDue = this.#parts.now() >= call.startMs + timeoutMs;
    if (retries || wait || isDue) return;
    this.#violation("deadlines", call, "goes on, and no queue took it");
  }

  /** A run is told to end: by its time, its caller, or a grace that is over. */
  calledOff(run: SimulatedRun, earlyMs: number): void {
    const call = this.#parts.book().call(run.call);
    const { now } = this.#parts;
    if (call === undefined || call.end || earlyMs <= 1) return;
    const { options, abortAfterMs = Infinity } = call.planned;
    const dueMs = call.startMs + options.timeoutMs;
    const isOver = dueMs - this.#situation.clockMs <= now() ||
      run.startMs + HANDLER_TIMEOUT_MS <= now() + 1;
    // The server of a stream may hear of an abort before its reader does.
    const isAborted = call.startMs + abortAfterMs <= now();
    if (isOver || isAborted || call.isForgotten) return;
    const what = `is called off ${earlyMs} ms before the grace is over`;
    this.#violation("drain", call, what);
  }

  /** A server was told to stop a moment ago. */
  draining(server: DrainingServer): void {
    const { name, queue, inHand, unsettled } = server;
    const { troubles, now } = this.#parts;
    const others = troubles.hitting(
      "",
      queue,
      now() - STOPPED_MS,
      now(),
      3_000,
    )
      .filter(({ kind }) => kind !== "stop-server");
    if (others.length > 0 || this.#situation.closesChannels) return;
    if (unsettled <= inHand) return;
    const what = `${name} keeps ${unsettled} requests, and works on ${inHand}`;
    this.#parts.violation("drain", what);
  }

  /** What can be said only at the end. */
  close(): void {
    for (const call of this.#parts.book().calls) {
      if (call.isForgotten) continue;
      for (const breach of brokenAtLast(call)) this.#broken(call, breach);
    }
  }

  /** Whoever ran a call that was aborted has heard of it. */
  #canceled(call: SimulatedCall): void {
    const runs = call.runs.filter((it) => !it.isDone && !it.isCalledOff);
    if (runs.length === 0) return;
    if (this.#situation.hitting(call, this.#parts.now()).length > 0) return;
    const what = `was aborted, and goes on on ${runs[0]!.server}`;
    this.#violation("aborts are told", call, what);
  }

  #circumstances(call: SimulatedCall): FailureCircumstances {
    const situation = this.#situation;
    const troubles = situation.hitting(call);
    const isCrowded = situation.isCrowded(call);
    const facts = situation.facts(call, troubles);
    const needsMs = situation.clockMs + (isCrowded ? CROWDED_MS : QUICK_MS);
    return {
      ...circumstancesOf(call, troubles, needsMs),
      excuse: facts.isWornOut
        ? "it was delivered too often"
        : situation.closesChannels
        ? "its server may lose its channels to an item"
        : excuseOf(call, troubles, situation.isTooLarge(call)),
      facts,
    };
  }

  #activeOn({ server }: SimulatedRun): number {
    let count = 0;
    for (const { runs } of this.#parts.book().calls) {
      for (const run of runs) {
        if (run.server !== server) continue;
        if (!run.isDone && !run.isCalledOff) count++;
      }
    }
    return count;
  }

  #broken(call: SimulatedCall, breach: Breach | undefined): void {
    if (breach) this.#violation(breach.rule, call, breach.what);
  }

  #violation(rule: string, call: SimulatedCall, what: string): void {
    this.#situation.broken(rule, call, what);
  }
}
