/**
 * Runs procedures: a bounded number at once, each within its time limit, and
 * none twice for the same request where that can be told.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";
import { Deadlines, type Expiring } from "../../async/deadlines.ts";
import { RpcError } from "../errors.ts";
import type { Procedure } from "../procedure.ts";
import type { Credit } from "../stream_wire.ts";
import { CanceledIds } from "./canceled_ids.ts";
import { Execution } from "./execution.ts";
import type { Job, Outcome } from "./job.ts";
import {
  attemptId,
  redeliveryKey,
  replayKey,
  type Replays,
} from "./replays.ts";
import type { ReplyStage } from "./replier.ts";
import type { ServerEvent } from "./serve_options.ts";
import { OpenStreams, type OpenStreamsLimits } from "./streams/open_streams.ts";
import { WaitingJobs } from "./waiting_jobs.ts";

/** What a {@linkcode Dispatcher} is given. */
export interface DispatcherOptions extends OpenStreamsLimits {
  concurrency: number;
  /** What earlier requests came to. */
  replays: Replays;
  /** Told of requests that are run, or get the outcome of another. */
  onEvent: (event: ServerEvent) => void;
  /** A procedure is about to run. */
  onStart: () => void;
}

/** One run, for one job or for several that ask for the same. */
class Run implements Expiring {
  readonly execution: Execution;
  readonly jobs: Job[];
  readonly keys: string[] = [];

  constructor(execution: Execution, job: Job) {
    this.execution = execution;
    this.jobs = [job];
  }

  get dueMs(): number {
    return this.execution.dueMs;
  }
}

/** The jobs that wait and those that run. */
export class Dispatcher {
  readonly #procedure: Procedure;
  readonly #next: ReplyStage;
  readonly #options: DispatcherOptions;
  readonly #waiting = new WaitingJobs();
  readonly #running = new Set<Run>();
  readonly #deadlines = new Deadlines(
    this.#running,
    ({ execution }) => execution.expire(),
  );
  readonly #runsByKey = new Map<string, Run>();
  readonly #canceled = new CanceledIds();
  /** Those of the runs that are streams. */
  readonly streams: OpenStreams;
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
    this.streams = new OpenStreams(options);
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

  /** Ends what runs or waits under this correlation id, or is yet to come. */
  cancel(correlationId: string): void {
    const reason = canceledByCaller();
    for (const { execution, jobs } of this.#running) {
      const asked = jobs.some((job) =>
        job.request.correlationId === correlationId
      );
      if (asked) return execution.abort(reason);
    }
    const job = this.#waiting.takeById(correlationId);
    if (job === undefined) return this.#canceled.add(correlationId);
    this.#reply(job, { error: reason });
  }

  /**
   * The connection is gone: what waits is the broker's again; what runs goes
   * on, and is found when it is delivered again.
   */
  connectionLost(): void {
    this.#waiting.takeAll();
    for (const run of this.#running) {
      for (const { request } of run.jobs) {
        this.#index(run, redeliveryKey(request));
      }
      run.execution.connectionLost();
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
    for (const { execution } of running) execution.abort(reason);
    this.#deadlines.stop();
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
    if (job.dueMs <= nowMs()) {
      return this.#reply(job, { error: tooLate() });
    }
    const id = attemptId(request);
    if (id !== undefined && this.#canceled.take(id)) {
      return this.#reply(job, { error: canceledByCaller() });
    }
    const key = request.messageId ? replayKey(request) : undefined;
    if (this.#repeat(job, key) || this.#redelivered(job)) return;
    const credit = this.streams.wanted(job);
    if (credit instanceof RpcError) this.#reply(job, { error: credit });
    else this.#run(job, key, credit);
  }

  /**
   * Whether the job, delivered before, took the place that it had in a run, or
   * was answered with what it had come to. Once: see redeliveryKey().
   */
  #redelivered(job: Job): boolean {
    if (!job.request.redelivered) return false;
    const key = redeliveryKey(job.request);
    if (key === undefined) return false;
    const run = this.#runsByKey.get(key);
    const outcome = this.#options.replays.take(key);
    if (run !== undefined) this.#rejoin(run, job, key);
    else if (outcome === undefined) return false;
    this.#options.onEvent({ type: "repeated", request: job.request });
    if (run === undefined && outcome) this.#reply(job, outcome);
    return true;
  }

  #rejoin(run: Run, job: Job, key: string): void {
    this.#runsByKey.delete(key);
    run.keys.splice(run.keys.indexOf(key), 1);
    const place = run.jobs.findIndex(({ request }) =>
      redeliveryKey(request) === key
    );
    run.jobs[place] = job;
    run.execution.rejoin(job);
  }

  /** Whether an equal job runs or has run: this one gets the same outcome. */
  #repeat(job: Job, key: string | undefined): boolean {
    if (key === undefined) return false;
    const run = this.#runsByKey.get(key);
    const outcome = this.#options.replays.find(key);
    if (run === undefined && outcome === undefined) return false;
    this.#options.onEvent({ type: "repeated", request: job.request });
    if (run !== undefined) run.jobs.push(job);
    else if (outcome !== undefined) this.#reply(job, outcome);
    return true;
  }

  #run(job: Job, key: string | undefined, credit?: Credit): void {
    const onEnd = (outcome: Outcome) => this.#ended(run, outcome);
    const execution = credit === undefined
      ? new Execution(job, this.#options, onEnd)
      : this.streams.open(job, credit, {
        onEnd,
        onSooner: () => this.#deadlines.watch(run),
      });
    const run = new Run(execution, job);
    this.#running.add(run);
    this.#index(run, key);
    this.#options.onEvent({ type: "request", request: job.request });
    this.#options.onStart();
    execution.start(this.#procedure);
    if (!execution.ended) this.#deadlines.watch(run);
  }

  #index(run: Run, key: string | undefined): void {
    if (key === undefined) return;
    run.keys.push(key);
    this.#runsByKey.set(key, run);
  }

  #reply(job: Job, outcome: Outcome): void {
    this.#next.send(job, outcome, "acknowledge");
  }

  #ended(run: Run, outcome: Outcome): void {
    for (const key of run.keys) {
      this.#runsByKey.delete(key);
      this.#options.replays.store(key, outcome);
    }
    // An abandoned run has no outcome for anybody.
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
