// The rules that streams are held against.

import type { Breach } from "../../rules/records.ts";
import {
  brokenByItem,
  brokenByStreamError,
  COARSE,
  type Item,
  lateToReader,
  overCredit,
  type StreamFacts,
} from "../../rules/streams.ts";
import { countOf } from "../items.ts";
import { type FaultKind, HANDLER_TIMEOUT_MS } from "../plan.ts";
import type {
  SimulatedCall,
  SimulatedRun,
  SimulatedStream,
} from "./records.ts";
import type { Situation } from "./situation.ts";
import {
  isTakenBack,
  mayBeGivenUp,
  mustGiveAll,
  repeatsItself,
  type StreamNeeds,
  throwsAfter,
} from "./stream_circumstances.ts";
import { RECOVERY_MS, type Trouble } from "./troubles.ts";

/** Half a second to find out why, and what a turn of the network takes. */
const LATE_MS = 1_000;
/** What it takes to begin where all is well. */
const QUICK_MS = 2_000;
/** The same where few procedures may run at once. */
const CROWDED_MS = 25_000;
/** What a server takes to hear that a reader has gone. */
const TOLD_MS = 2_000;
/** What it takes to notice by itself that there is none. */
const NOTICED_MS = 15_000;
/** A silent connection is one by then, in heartbeats. */
const SILENT_HEARTBEATS = 3;
/** Faults that end a client, after which nothing is wrong. */
const ENDING_CLIENT: readonly FaultKind[] = ["crash-client", "close-client"];

/** Holds streams against the rules. */
export class StreamJudge {
  readonly #situation: Situation;

  constructor(situation: Situation) {
    this.#situation = situation;
  }

  /** A reader is given an item; a procedure that is no stream gives the reply. */
  item(call: SimulatedCall, stream: SimulatedStream, item: Item): void {
    this.#late(call, stream);
    const broken = brokenByItem(call.number, stream, item);
    if (broken?.rule === "no mixture" && this.#isDoubled(call)) return;
    this.#broken(call, broken);
  }

  /** A procedure is asked for an item. */
  asked(call: SimulatedCall, run: SimulatedRun, items: number): void {
    const { stream } = call;
    if (stream === undefined) return;
    const { credit, creditBytes = Infinity } = stream.terms;
    const made = { items, bytes: run.bytes, credit, creditBytes };
    this.#broken(call, overCredit(stream, made));
  }

  /** A procedure gives nothing from now on. */
  hangs(call: SimulatedCall, run: SimulatedRun): void {
    const mostMs = HANDLER_TIMEOUT_MS * (1 + COARSE) + LATE_MS;
    this.#overBy(call, run, mostMs, "time limits", "goes on and on");
  }

  /** A procedure is about to run. */
  run(
    call: SimulatedCall,
    run: SimulatedRun,
    stream: SimulatedStream,
    redelivered: boolean,
  ): void {
    const { now } = this.#situation.parts;
    if (call.end || call.isForgotten) this.#orphaned(call, run);
    const others = this.#isDoubled(call, run) ? [] : call.runs;
    for (const before of others) {
      const mostMs = NOTICED_MS * (1 + COARSE) + LATE_MS;
      const what = "goes on, and another server has its request";
      this.#overBy(call, before, mostMs, "lost requests", what);
    }
    const { timeoutMs } = stream.terms;
    const leftOf = (ms: number) =>
      call.startMs + ms - now() + this.#situation.clockMs;
    // One that comes back was in time for its first item.
    const startMs = redelivered ? timeoutMs : call.options.timeoutMs;
    const lateMs = startMs === undefined ? 0 : -leftOf(startMs);
    if (lateMs > 0) {
      this.#violation("no expired runs", call, `starts ${lateMs} ms too late`);
    }
    if (timeoutMs === undefined) return;
    const leftMs = leftOf(timeoutMs);
    const mostMs = Math.max(leftMs, 0) + LATE_MS;
    this.#overBy(call, run, mostMs, "time limits", "goes on past its deadline");
  }

  /** A stream has ended, for its reader. */
  ended(call: SimulatedCall, stream: SimulatedStream): void {
    if (stream.isWaiting) this.#late(call, stream);
    this.gone(call);
    const { end } = call;
    if (end?.type === "untyped") {
      this.#violation("typed errors", call, `ends with ${end.what}`);
    }
    if (end?.type === "answer" && !stream.hasLeft) this.#whole(call, stream);
    if (end?.type !== "error") return;
    const { parts } = this.#situation;
    const troubles = this.#situation.hitting(call, parts.now());
    const needs = this.#needs(call);
    const facts = this.#facts(call, stream, troubles, needs);
    // An item that is too large ends what else its server sends.
    const lost = this.#situation.closesChannels
      ? undefined
      : mustGiveAll(call, stream, troubles, needs);
    const broken = brokenByStreamError(call, end.error, facts, lost);
    for (const breach of broken) this.#broken(call, breach);
  }

  /** Nobody reads it any more. */
  gone(call: SimulatedCall): void {
    for (const run of call.runs) this.#orphaned(call, run);
  }

  /** Ended well: it has all the items of a run. */
  #whole(call: SimulatedCall, { items, variant }: SimulatedStream): void {
    const { runs, planned: { work } } = call;
    const isRight = work.type === "items"
      ? work.then === "end" &&
        runs.some(({ ordinal }) =>
          countOf(work, ordinal) === items &&
          (variant === undefined || variant === ordinal + 1)
        )
      : work.type === "answer" && items === 1 && runs.length > 0;
    if (!isRight && !this.#isDoubled(call)) {
      this.#violation("true ends", call, `ends well after ${items} items`);
    }
  }

  #isDoubled(call: SimulatedCall, next?: SimulatedRun): boolean {
    const { parts } = this.#situation;
    const hitting = this.#situation.hitting(call, parts.now());
    return call.runs.length + (next ? 1 : 0) > 1 &&
      hitting.some(({ kind }) => kind === "redeliver");
  }

  #late(call: SimulatedCall, stream: SimulatedStream): void {
    const situation = this.#situation;
    const { now } = situation.parts;
    const isPaused = situation.hitting(call, now())
      .some(({ kind }) => kind === "pause");
    const lateMs = LATE_MS + (isPaused ? NOTICED_MS : 0);
    this.#broken(call, lateToReader(call.startMs, now(), lateMs, stream));
  }

  /** Whoever runs it is told, or finds out. */
  #orphaned(call: SimulatedCall, run: SimulatedRun): void {
    const what = "goes on, and nobody reads it";
    // A server that has lost the request hears nothing of its caller.
    const isLost = run !== call.runs.at(-1) || this.#situation.isTooLarge(call);
    const { end, stream } = call;
    const isTold = stream?.hasLeft ||
      end?.type === "error" && end.error.code === "canceled";
    const mostMs = !isTold || isLost
      ? NOTICED_MS * (1 + COARSE) + LATE_MS
      : TOLD_MS;
    this.#overBy(call, run, mostMs, "lost callers", what);
  }

  /** A run has to be over within so long, and what troubles take. */
  #overBy(
    call: SimulatedCall,
    run: SimulatedRun,
    mostMs: number,
    rule: string,
    what: string,
  ): void {
    const { now, later } = this.#situation.parts;
    const fromMs = now();
    const look = () => {
      if (run.isDone || run.isCalledOff || run.isDead) return;
      const excusedMs = this.#excusedMs(call, fromMs, now());
      const leftMs = Math.max(fromMs, excusedMs) + mostMs - now();
      if (leftMs > 0) return later(Math.min(leftMs, NOTICED_MS), look);
      this.#violation(rule, call, `${what}: on ${run.server}`);
    };
    if (!run.isDone && !run.isCalledOff && !run.isDead) later(mostMs, look);
  }

  /** When all that was wrong meanwhile has got well again. */
  #excusedMs(call: SimulatedCall, fromMs: number, toMs: number): number {
    const { client, planned: { queue, client: index } } = call;
    const { troubles, plan } = this.#situation.parts;
    const heartbeatMs = plan.clients[index]!;
    const hitting = troubles.hitting(client, queue, fromMs, toMs);
    return Math.max(
      0,
      ...hitting.map(({ kind, fromMs, untilMs }) => {
        // What was to tell the server may have been refused: credit ends it.
        if (kind === "refuse-messages") return Infinity;
        return ENDING_CLIENT.includes(kind)
          ? fromMs + SILENT_HEARTBEATS * heartbeatMs
          : untilMs + RECOVERY_MS;
      }),
    );
  }

  #needs(call: SimulatedCall): StreamNeeds {
    const situation = this.#situation;
    return {
      plan: situation.parts.plan,
      firstMs: situation.isCrowded(call) ? CROWDED_MS : QUICK_MS,
      clockMs: situation.clockMs,
      isTooLarge: situation.isTooLarge(call),
    };
  }

  #facts(
    call: SimulatedCall,
    stream: SimulatedStream,
    troubles: readonly Trouble[],
    needs: StreamNeeds,
  ): StreamFacts {
    const { terms, items, waitingMs, heardMs } = stream;
    const facts = this.#situation.facts(call, troubles);
    return {
      ...facts,
      isTroubled: facts.isTroubled || isTakenBack(call, needs) ||
        this.#situation.closesChannels,
      terms,
      items,
      waitingMs,
      heardMs,
      throwsAfter: throwsAfter(call),
      repeatsItself: repeatsItself(call) && !overlap(call.runs),
      mayBeGivenUp: mayBeGivenUp(call, stream, needs),
      isDoubled: this.#isDoubled(call),
    };
  }

  #broken(call: SimulatedCall, breach: Breach | undefined): void {
    if (breach) this.#violation(breach.rule, call, breach.what);
  }

  #violation(rule: string, call: SimulatedCall, what: string): void {
    this.#situation.broken(rule, call, what);
  }
}

/** Whether a run began while another went on. */
function overlap(runs: readonly SimulatedRun[]): boolean {
  return runs.some(({ endMs = Infinity }, i) =>
    runs.slice(i + 1).some(({ startMs }) => startMs <= endMs)
  );
}
