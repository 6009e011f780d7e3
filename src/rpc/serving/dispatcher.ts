/**
 * Runs procedures: a bounded number at once, each within its time limit, and
 * none twice for the same request, as far as it can be recognized.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";
import { Deadlines } from "../../async/deadlines.ts";
import { RpcError } from "../errors.ts";
import type { Procedure } from "../procedure.ts";
import type { Credit } from "../stream_wire.ts";
import { CanceledIds } from "./canceled_ids.ts";
import { Execution, type OnRunEnd } from "./execution.ts";
import type { Job, Outcome } from "./job.ts";
import {
  attemptId,
  callKey,
  redeliveryKey,
  type ReplyCache,
} from "./reply_cache.ts";
import type { ReplyStage } from "./replier.ts";
import type { ServerEvent } from "./server_events.ts";
import { OpenStreams, type OpenStreamsLimits } from "./streams/open_streams.ts";
import { WaitingJobs } from "./waiting_jobs.ts";

/** What a {@linkcode Dispatcher} is given. */
export interface DispatcherOptions extends OpenStreamsLimits {
  concurrency: number;
  /** What earlier requests came to. */
  replyCache: ReplyCache;
  /** Called for requests that are run, or get the outcome of another. */
  onEvent: (event: ServerEvent) => void;
  /** A procedure is about to run. */
  onStart: () => void;
}

const NO_KEYS: readonly string[] = [];

/** The jobs that wait and those that run. */
export class Dispatcher {
  readonly #procedure: Procedure;
  readonly #next: ReplyStage;
  readonly #options: DispatcherOptions;
  readonly #waiting = new WaitingJobs();
  readonly #running = new Set<Execution>();
  readonly #deadlines = new Deadlines(this.#running, (run) => run.expire());
  readonly #runsByKey = new Map<string, Execution>();
  readonly #canceled = new CanceledIds();
  /** Those of the runs that are streams. */
  readonly streams: OpenStreams;
  readonly #onEnd: OnRunEnd = (outcome, run) => this.#ended(run, outcome);
  #paused = false;
  #starting = false;

  /** Hands jobs with their outcome to the next stage. */
  constructor(
    procedure: Procedure,
    next: ReplyStage,
    options: DispatcherOptions,
  ) {
    this.#procedure = procedure;
    this.#next = next;
    this.#options = options;
    this.streams = new OpenStreams(options, {
      onEnd: this.#onEnd,
      onSooner: (run) => this.#deadlines.watch(run),
    });
  }

  /** Jobs that have no outcome yet. */
  get size(): number {
    let size = this.#waiting.size;
    for (const { jobs } of this.#running) size += jobs.length;
    return size;
  }

  /** Runs a job when there is room, or gives it the outcome of an equal one. */
  accept(job: Job): void {
    this.#waiting.add(job);
    this.#startWaiting();
  }

  /**
   * Cancels the request with this correlation id: running, waiting or yet to
   * come.
   */
  cancel(correlationId: string): void {
    const reason = canceledByCaller();
    for (const run of this.#running) {
      const asked = run.jobs.some((job) =>
        job.request.correlationId === correlationId
      );
      if (asked) return run.abort(reason);
    }
    const job = this.#waiting.takeById(correlationId);
    if (job === undefined) return this.#canceled.add(correlationId);
    this.#reply(job, { error: reason });
  }

  /**
   * The connection is gone. What waits is delivered again; what runs goes on,
   * and is recognized when it is delivered again.
   */
  connectionLost(): void {
    this.#waiting.takeAll();
    for (const run of this.#running) {
      for (const { request } of run.jobs) {
        this.#index(run, redeliveryKey(request));
      }
      run.connectionLost();
    }
  }

  /** Starts nothing more; returns the jobs that were waiting. */
  pause(): Job[] {
    this.#paused = true;
    return this.#waiting.takeAll();
  }

  /** Ends what runs, without outcomes. */
  abandon(): void {
    const running = [...this.#running];
    this.#running.clear();
    const reason = new RpcError("aborted", "the server was stopped");
    for (const run of running) run.abort(reason);
    this.#deadlines.stop();
    this.streams.stop();
  }

  #startWaiting(): void {
    // A procedure that ends at once comes back here: the loop goes on instead.
    if (this.#starting) return;
    this.#starting = true;
    const { concurrency } = this.#options;
    while (
      !this.#paused && this.#waiting.size > 0 &&
      this.#running.size < concurrency
    ) {
      this.#start(this.#waiting.take()!);
    }
    this.#starting = false;
  }

  #start(job: Job): void {
    const { request } = job;
    const startedMs = nowMs();
    if (job.dueMs <= startedMs) {
      return this.#reply(job, { error: tooLate() });
    }
    const id = attemptId(request);
    if (id !== undefined && this.#canceled.take(id)) {
      return this.#reply(job, { error: canceledByCaller() });
    }
    const key = request.messageId ? callKey(request) : undefined;
    if (this.#repeat(job, key) || this.#redelivered(job)) return;
    const credit = this.streams.wanted(job);
    if (credit instanceof RpcError) this.#reply(job, { error: credit });
    else this.#run(job, key, startedMs, credit);
  }

  /**
   * Whether the job was delivered before, and has taken its place in a run
   * again or was answered with the outcome of that run. Once: see
   * redeliveryKey().
   */
  #redelivered(job: Job): boolean {
    if (!job.request.redelivered) return false;
    const key = redeliveryKey(job.request);
    if (key === undefined) return false;
    const run = this.#runsByKey.get(key);
    const outcome = this.#options.replyCache.take(key);
    if (run !== undefined) this.#rejoin(run, job, key);
    else if (outcome === undefined) return false;
    this.#options.onEvent({ type: "repeated", request: job.request });
    if (run === undefined && outcome) this.#reply(job, outcome);
    return true;
  }

  #rejoin(run: Execution, job: Job, key: string): void {
    this.#runsByKey.delete(key);
    run.keys = run.keys?.filter((it) => it !== key);
    const place = run.jobs.findIndex(({ request }) =>
      redeliveryKey(request) === key
    );
    run.jobs[place] = job;
    run.rejoin(job);
  }

  /** Whether an equal job runs or has run: this one gets the same outcome. */
  #repeat(job: Job, key: string | undefined): boolean {
    if (key === undefined) return false;
    const run = this.#runsByKey.get(key);
    const outcome = this.#options.replyCache.find(key);
    if (run === undefined && outcome === undefined) return false;
    this.#options.onEvent({ type: "repeated", request: job.request });
    if (run !== undefined) run.jobs.push(job);
    else if (outcome !== undefined) this.#reply(job, outcome);
    return true;
  }

  #run(
    job: Job,
    key: string | undefined,
    startedMs: number,
    credit: Credit | undefined,
  ): void {
    const run = credit === undefined
      ? new Execution(job, this.#options, this.#onEnd, startedMs)
      : this.streams.open(job, credit);
    this.#running.add(run);
    this.#index(run, key);
    this.#options.onEvent({ type: "request", request: job.request });
    this.#options.onStart();
    run.start(this.#procedure);
    if (!run.ended) this.#deadlines.watch(run);
  }

  #index(run: Execution, key: string | undefined): void {
    if (key === undefined) return;
    (run.keys ??= []).push(key);
    this.#runsByKey.set(key, run);
  }

  #reply(job: Job, outcome: Outcome): void {
    this.#next.send(job, outcome, "acknowledge");
  }

  #ended(run: Execution, outcome: Outcome): void {
    for (const key of run.keys ?? NO_KEYS) {
      this.#runsByKey.delete(key);
      this.#options.replyCache.store(key, outcome);
    }
    // The outcome of an abandoned run is dropped.
    if (!this.#running.delete(run)) return;
    for (const job of run.jobs) this.#reply(job, outcome);
    this.#startWaiting();
  }
}

function canceledByCaller(): RpcError {
  return new RpcError("canceled", "the caller canceled the call");
}

function tooLate(): RpcError {
  return new RpcError(
    "deadline_exceeded",
    "the caller's deadline passed before the procedure started",
  );
}
