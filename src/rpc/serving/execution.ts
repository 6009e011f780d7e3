/**
 * One run of a procedure: it ends once, with its result, its error or because
 * its time is up.
 *
 * @module
 */
import { nowMs, toEpochMs } from "../../async/clock.ts";
import type { Expiring } from "../../async/deadlines.ts";
import { RpcError } from "../errors.ts";
import type { Procedure, RpcContext, RpcResult } from "../procedure.ts";
import { formatMs } from "../texts.ts";
import type { SendableResult } from "../wire.ts";
import type { RpcRequest } from "../messages.ts";
import type { Job, Outcome } from "./job.ts";
import { ProgressReport } from "./progress_report.ts";
import type { ReadLimits } from "./response.ts";
import { sendable } from "./results.ts";

/** The bounds of every run. */
export interface RunLimits {
  /** How long it may take, in ms. */
  readonly handlerTimeoutMs: number;
  /** The largest body of its reply. */
  readonly maxReplyBytes: number;
}

/** Called once, when a run has its outcome. */
export type OnRunEnd = (outcome: Outcome, run: Execution) => void;

/** A running procedure, and the context that it sees. */
export class Execution implements RpcContext, Expiring, ReadLimits {
  /** Changes only for a stream. */
  dueMs: number;
  /** Those that get the outcome: the one that it runs for, and equal ones. */
  readonly jobs: Job[];
  /** By which the dispatcher finds it; most runs have none. */
  keys: string[] | undefined;
  protected job: Job;
  protected readonly limits: RunLimits;
  readonly #onEnd: OnRunEnd;
  #controller: AbortController | undefined;
  #abortReason: RpcError | undefined;
  #progress: ProgressReport | undefined;
  #ended = false;

  /** The caller's deadline holds as well. */
  constructor(
    job: Job,
    limits: RunLimits,
    onEnd: OnRunEnd,
    startedMs: number = nowMs(),
  ) {
    this.job = job;
    this.jobs = [job];
    this.limits = limits;
    this.#onEnd = onEnd;
    this.dueMs = Math.min(startedMs + limits.handlerTimeoutMs, job.dueMs);
  }

  /** By the wall clock as it is now, so that the time left is always right. */
  get deadlineMs(): number {
    return toEpochMs(this.dueMs);
  }

  /** See {@linkcode RpcContext.request}. */
  get request(): RpcRequest {
    return this.job.request;
  }

  /** Created on first use: most procedures never need it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  /** See {@linkcode ReadLimits.maxReplyBytes}. */
  get maxReplyBytes(): number {
    return this.limits.maxReplyBytes;
  }

  /** Whether the outcome is known. */
  get ended(): boolean {
    return this.#ended;
  }

  /** See {@linkcode RpcContext.progress}. */
  progress(value: unknown): void {
    if (this.#ended) return;
    this.#progress ??= new ProgressReport(this.request);
    this.#progress.tell(this.job.requests, value);
  }

  /** The connection that the request came over is gone. */
  connectionLost(): void {}

  /** The request was delivered again, and is this run's all the same. */
  rejoin(job: Job): void {
    this.job = job;
  }

  /** Runs the procedure; its outcome goes to `onEnd`, before or later. */
  start(procedure: Procedure): void {
    this.#take(() => procedure(this.job.request, this));
  }

  /**
   * The time is up: the caller gets the error now, the procedure its signal.
   */
  expire(): void {
    this.abort(this.timeoutError());
  }

  /** Ends the run with this error; what the procedure still does is ignored. */
  abort(reason: RpcError): void {
    if (this.#ended) return;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
    this.#end({ error: reason });
  }

  /** What is sent of a result. */
  protected convert(
    result: RpcResult,
  ): SendableResult | PromiseLike<SendableResult> {
    return sendable(result, this);
  }

  /** Called once, with what the run came to; returns what is told of it. */
  protected close(outcome: Outcome): Outcome {
    return outcome;
  }

  /** Names whichever limit was the earlier one. */
  timeoutError(): RpcError {
    const byCaller = this.job.dueMs <= this.dueMs;
    return new RpcError(
      "deadline_exceeded",
      byCaller
        ? "the caller's deadline passed while the procedure ran"
        : `the procedure ran longer than the server's limit of ${
          formatMs(this.limits.handlerTimeoutMs)
        }`,
    );
  }

  /** Ends with what is returned or thrown; promises are awaited first. */
  #take(produce: () => RpcResult | PromiseLike<RpcResult>): void {
    let result: SendableResult | PromiseLike<RpcResult>;
    try {
      const produced = produce();
      result = isThenable(produced) ? produced : this.convert(produced);
    } catch (error) {
      return this.#end({ error: RpcError.from(error) });
    }
    if (!isThenable(result)) return this.#end({ result });
    Promise.resolve(result).then(
      (value) => this.#take(() => value),
      (error) => this.#end({ error: RpcError.from(error) }),
    );
  }

  #end(outcome: Outcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#progress?.flush(this.job.requests);
    this.#onEnd(this.close(outcome), this);
  }
}

/** Promises of other realms and of libraries count as well. */
function isThenable<T>(value: T): value is Extract<T, PromiseLike<unknown>> {
  return typeof (value as PromiseLike<unknown>)?.then === "function";
}
