// The rules that calls and runs are held against.

import { requestBody } from "../../chaos/calls.ts";
import { HANDLER_TIMEOUT_MS, LARGE_BYTES, type Plan } from "../plan.ts";
import { RpcError } from "../product.ts";
import type { Book } from "./book.ts";
import type { Beginning, CallRecord, DrainingServer, Run } from "./records.ts";
import type { Method } from "../wire/frames.ts";
import { lieOf } from "./lies.ts";
import { mustAnswer } from "./lost_calls.ts";
import type { QueueHistory } from "./queue_history.ts";
import type { Trouble, Troubles } from "./troubles.ts";

/** Half a second to find out why, and what a turn of the network takes. */
const LATE_MS = 1_000;
/** What a call takes where all is well, its work not counted. */
const QUICK_MS = 2_000;
/** More than a connection has at a time. */
const MANY_CHANNELS = 100;
/** The same where few procedures may run at once, and some never end. */
const CROWDED_MS = 25_000;
const FEW_AT_ONCE = 4;
/** What a server takes to hear of an abort. */
const CANCEL_MS = 2_000;

/** When a server that stops has given back what it has not started. */
export const STOPPED_MS = 2_000;

/** What the rules look at. */
export interface JudgeParts {
  readonly plan: Plan;
  readonly book: () => Book;
  readonly troubles: Troubles;
  readonly queues: ReadonlyMap<string, QueueHistory>;
  now(): number;
  /** Looks again, after so long. */
  later(ms: number, look: () => void): void;
  violation(rule: string, what: string): void;
}

/** Holds calls and runs against the rules. */
export class Judge {
  readonly #parts: JudgeParts;
  readonly #crowded: ReadonlySet<string>;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
    this.#crowded = new Set(
      parts.plan.servers.filter((it) => it.concurrency <= FEW_AT_ONCE)
        .map(({ queue }) => queue),
    );
  }

  /** A call has ended. */
  ended(call: CallRecord): void {
    const { planned, startMs, endMs = 0, end } = call;
    const lateMs = endMs - startMs - planned.options.timeoutMs - LATE_MS;
    if (lateMs > this.#pausedMs(call)) {
      this.#violation("deadlines", call, `ends ${lateMs} ms too late`);
    }
    if (end?.type === "answer") return this.#answered(call, end.isRight);
    const error = end?.error;
    if (!(error instanceof RpcError)) {
      return this.#violation("typed errors", call, `ends with ${error}`);
    }
    if (error.code === "canceled") {
      this.#parts.later(CANCEL_MS, () => this.#canceled(call));
    }
    const lie = this.#lie(call, error);
    if (lie) this.#violation("true errors", call, `${lie}: ${told(error)}`);
    const lost = this.#mustAnswer(call);
    if (lost) {
      this.#violation("no call is lost", call, `${lost}: ${told(error)}`);
    }
  }

  /** A procedure is about to run. */
  run(
    call: CallRecord,
    run: Run,
    { isStopping, concurrency, request }: Beginning,
  ): void {
    const { startMs, planned } = call;
    if (isStopping) {
      this.#violation("drain", call, `starts on ${run.server}, told to stop`);
    }
    const atOnce = this.#activeOn(run) + 1;
    if (atOnce > concurrency) {
      const what = `is one of ${atOnce} at once on ${run.server}`;
      this.#violation("concurrency", call, what);
    }
    if (this.#parts.book().isCanceled(run) && !request.redelivered) {
      const what = `starts on ${run.server}, which knows that it was aborted`;
      this.#violation("aborts are told", call, what);
    }
    const { retries = 0 } = planned.options;
    const requests = new Set(call.runs.map((it) => it.correlationId));
    if (requests.add(run.correlationId).size > retries + 1) {
      const what = `runs for ${requests.size} requests`;
      this.#violation("retries are counted", call, what);
    }
    const lateMs = run.startMs - startMs - planned.options.timeoutMs;
    if (lateMs > this.#clockMs()) {
      this.#violation("no expired runs", call, `starts ${lateMs} ms too late`);
    }
    const before = call.runs.find((other) => this.#isRepeat(run, other));
    if (before) {
      const what = `runs again on ${run.server}, which has run it before`;
      this.#violation("no repeats", call, what);
    }
  }

  /** A request is sent: it must not outlive its call. */
  requested({ properties = {}, body = "" }: Method): void {
    const call = this.#parts.book().call(Number.parseInt(body, 10));
    if (call === undefined) return;
    // It may have waited to be written, but was never more than that.
    const expirationMs = Number(properties.expiration);
    const { timeoutMs } = call.planned.options;
    if (expirationMs >= 0 && expirationMs <= timeoutMs) return;
    const what = `expires in ${properties.expiration} ms, of ${timeoutMs}`;
    this.#violation("no expired runs", call, what);
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
  calledOff(run: Run, earlyMs: number): void {
    const call = this.#parts.book().call(run.call);
    const { now } = this.#parts;
    if (call === undefined || call.end || earlyMs <= 1) return;
    const dueMs = call.startMs + call.planned.options.timeoutMs;
    const isOver = dueMs - this.#clockMs() <= now() ||
      run.startMs + HANDLER_TIMEOUT_MS <= now() + 1;
    if (isOver || call.isForgotten) return;
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
      10_000,
    )
      .filter(({ kind }) => kind !== "stop-server");
    if (others.length > 0 || unsettled <= inHand) return;
    const what = `${name} keeps ${unsettled} requests, and works on ${inHand}`;
    this.#parts.violation("drain", what);
  }

  /** What can be said only at the end. */
  close(): void {
    for (const call of this.#parts.book().calls) {
      const { end, isForgotten, runs } = call;
      if (end === undefined && !isForgotten) {
        this.#violation("one end", call, "has no end");
      }
      if (end?.type !== "error" || !(end.error instanceof RpcError)) continue;
      if (!end.error.maybeExecuted && !end.error.remote && runs.length > 0) {
        const what = `ran, which its error denies: ${told(end.error)}`;
        this.#violation("true errors", call, what);
      }
    }
  }

  /** Whoever ran a call that was aborted has heard of it. */
  #canceled(call: CallRecord): void {
    const runs = call.runs.filter((it) => !it.isDone && !it.isCalledOff);
    if (runs.length === 0) return;
    if (this.#hitting(call, this.#parts.now()).length > 0) return;
    const what = `was aborted, and goes on on ${runs[0]!.server}`;
    this.#violation("aborts are told", call, what);
  }

  #answered(call: CallRecord, isRight: boolean): void {
    const { work } = call.planned;
    if (!isRight || work.type !== "answer") {
      this.#violation("right answers", call, "ends with a wrong answer");
    }
  }

  /** What is not true about an error, where something is not. */
  #lie(call: CallRecord, error: RpcError): string | undefined {
    const { plan, book, queues } = this.#parts;
    return lieOf(call, error, {
      queue: queues.get(call.planned.queue)!,
      troubles: this.#hitting(call),
      isQuorum: plan.queueType === "quorum",
      isClosing: book().isClosing(call.client),
      isTooLarge: this.#isTooLarge(call),
      hasFewChannels: this.#hasFewChannels,
    });
  }

  /** Why a call had to be answered as planned, where it had to. */
  #mustAnswer(call: CallRecord): string | undefined {
    const isCrowded = this.#crowded.has(call.planned.queue);
    return mustAnswer(call, {
      troubles: this.#hitting(call),
      needsMs: this.#clockMs() + (isCrowded ? CROWDED_MS : QUICK_MS),
      isTooLarge: this.#isTooLarge(call),
      hasFewChannels: this.#hasFewChannels,
    });
  }

  get #hasFewChannels(): boolean {
    return this.#parts.plan.broker.channelMax < MANY_CHANNELS;
  }

  /** Whether the request or its reply is more than the broker takes. */
  #isTooLarge({ planned: { number, large, work } }: CallRecord): boolean {
    const isLarge = large || work.type === "answer" && work.large ||
      requestBody(number).length >= LARGE_BYTES;
    return isLarge && this.#parts.plan.broker.maxMessageSize < LARGE_BYTES;
  }

  #hitting(
    call: CallRecord,
    toMs: number = call.endMs ?? call.startMs + call.planned.options.timeoutMs,
  ): Trouble[] {
    const { client, planned: { queue }, startMs } = call;
    return this.#parts.troubles.hitting(client, queue, startMs, toMs);
  }

  #pausedMs(call: CallRecord): number {
    return this.#hitting(call).some(({ kind }) => kind === "pause")
      ? 15_000
      : 0;
  }

  /** What clocks may differ by. */
  #clockMs(): number {
    const { skewMs, faults } = this.#parts.plan;
    const jumps = faults.filter(({ kind }) => kind === "jump-clock").length;
    return 2 * skewMs + 4_000 * jumps + 1_000;
  }

  #activeOn({ server, life }: Run): number {
    let count = 0;
    for (const { runs } of this.#parts.book().calls) {
      for (const run of runs) {
        if (run.server !== server || run.life !== life) continue;
        if (!run.isDone && !run.isCalledOff) count++;
      }
    }
    return count;
  }

  #isRepeat(run: Run, before: Run): boolean {
    if (run.server !== before.server || run.life !== before.life) return false;
    if (before.isCalledOff) return false;
    // All attempts are one call.
    if (run.messageId !== undefined) return before.messageId !== undefined;
    // Nobody gives a request to two at once but with a fault.
    const isGivenTwice = this.#parts.plan.faults.some(({ kind }) =>
      kind === "redeliver"
    );
    return run.correlationId === before.correlationId && !isGivenTwice &&
      (!before.isDone || before.isUnanswered);
  }

  #violation(
    rule: string,
    { planned, client }: CallRecord,
    what: string,
  ): void {
    const { number } = planned;
    this.#parts.violation(rule, `call ${number} (of ${client}) ${what}`);
  }
}

function told(
  { code, reason, message, maybeExecuted, remote }: RpcError,
): string {
  const facts = [reason, remote && "remote", maybeExecuted && "maybeExecuted"];
  return `${code} (${facts.filter(Boolean).join(", ")}) ${message}`;
}
