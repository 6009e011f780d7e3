/**
 * Worker threads for computations, which would block the thread that speaks
 * AMQP.
 *
 * @module
 */
import { settled } from "../../async/delay.ts";
import { RpcError } from "../../rpc/errors.ts";
import { wholeNumber } from "../../rpc/limits.ts";
import { formatMs } from "../../rpc/texts.ts";
import type { Answer, Part } from "./protocol.ts";
import { Restarts } from "./restarts.ts";
import { WorkerThread, type WorkerThreadOptions } from "./thread.ts";

/** How a {@linkcode WorkerPool} runs its workers. */
export interface WorkerPoolOptions {
  /**
   * What the workers may do.
   *
   * @default {"none"}
   */
  permissions?: Deno.PermissionOptions;
  /** Takes lines for the log: from workers, and about their ends. */
  log?: (line: string) => void;
  /**
   * How long a worker may take for its first job, in ms.
   *
   * @default {60_000}
   */
  startTimeoutMs?: number;
}

const START_TIMEOUT_MS = 60_000;

/** Takes what comes before a job's answer; asks for items of its worker. */
export type OnPart<O> = (
  part: Part<O>,
  askFor: (items: number) => void,
) => void;

/** A job on its way through the pool. */
interface Job<I, O> {
  readonly input: I;
  readonly onPart: OnPart<O> | undefined;
  readonly result: PromiseWithResolvers<O>;
}

/**
 * A fixed number of workers, each with one job at a time.
 *
 * Only the end of its worker stops a computation: a job that is aborted ends
 * with its worker, and another worker takes its place. While a worker starts,
 * not even that is certain (Deno 2.9), so its first job is never aborted but
 * has a time limit. A worker that ends by itself fails its job; without a job,
 * it is replaced after a backoff.
 */
export class WorkerPool<I, O> implements Disposable {
  readonly #threadOptions: WorkerThreadOptions<I>;
  readonly #writeLog: (line: string) => void;
  readonly #starting = new Set<WorkerThread<I, O>>();
  readonly #idle: WorkerThread<I, O>[] = [];
  readonly #busy = new Map<WorkerThread<I, O>, Job<I, O>>();
  readonly #queue: Job<I, O>[] = [];
  readonly #restarts = new Restarts(() => this.#respawn());
  readonly #ready = Promise.withResolvers<void>();
  #wasReady = false;
  #isDisposed = false;

  /**
   * Starts the workers at once, each with the same first job, whose output is
   * ignored.
   *
   * @throws {Deno.errors.NotCapable} for permissions that this program does not
   * have itself.
   */
  constructor(
    script: URL,
    size: number,
    firstJob: I,
    options: WorkerPoolOptions = {},
  ) {
    const { permissions = "none", startTimeoutMs = START_TIMEOUT_MS } = options;
    this.#threadOptions = { script, firstJob, permissions, startTimeoutMs };
    this.#writeLog = options.log ?? (() => {});
    const count = wholeNumber("workers", size, 1, 1024);
    // Not every caller awaits it; jobs fail as well.
    void settled(this.#ready.promise);
    try {
      for (let i = 0; i < count; i++) this.#spawn();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Resolves when all workers have started.
   *
   * @throws {RpcError} the failure of one of them.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Why no worker can take a job; undefined if one can. */
  get problem(): string | undefined {
    const { lastFailure } = this.#restarts;
    if (lastFailure === undefined) return undefined;
    if (this.#idle.length + this.#busy.size > 0) return undefined;
    return `no worker is running: ${lastFailure.message}`;
  }

  /**
   * Runs a job on the next free worker. What comes before its answer goes to
   * `onPart`.
   *
   * @throws the signal's reason if it is aborted first.
   * @throws {RpcError} the worker's answer; `aborted` if the worker ended
   * itself; `internal` if it failed.
   */
  async run(
    input: I,
    signal: AbortSignal,
    onPart?: OnPart<O>,
  ): Promise<O> {
    signal.throwIfAborted();
    if (this.#isDisposed) throw closedError();
    const job: Job<I, O> = { input, onPart, result: Promise.withResolvers() };
    const abort = () => this.#abort(job, signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#queue.push(job);
    this.#assign();
    try {
      return await job.result.promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Ends all workers and their jobs. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    const reason = closedError();
    this.#ready.reject(reason);
    const jobs = [...this.#queue.splice(0), ...this.#busy.values()];
    for (const job of jobs) job.result.reject(reason);
    const threads = [...this.#idle, ...this.#busy.keys(), ...this.#starting];
    for (const thread of threads) thread.terminate();
    this.#restarts[Symbol.dispose]();
  }

  #spawn(): void {
    const thread = new WorkerThread<I, O>(this.#threadOptions, {
      onStarted: () => this.#onStarted(thread),
      onAnswer: (answer) => this.#onAnswer(thread, answer),
      onPart: (part) =>
        this.#busy.get(thread)?.onPart?.(
          part,
          (items) => thread.askFor(items),
        ),
      onLog: this.#writeLog,
      onEnd: (reason) => this.#onEnd(thread, reason),
    });
    this.#starting.add(thread);
  }

  #respawn(): void {
    try {
      this.#spawn();
    } catch (error) {
      this.#onFailure(RpcError.from(error));
    }
  }

  #onStarted(thread: WorkerThread<I, O>): void {
    this.#starting.delete(thread);
    if (this.#starting.size === 0) {
      this.#wasReady = true;
      this.#ready.resolve();
    }
    this.#free(thread);
  }

  #onAnswer(thread: WorkerThread<I, O>, answer: Answer<O>): void {
    const job = this.#busy.get(thread);
    if (job === undefined) return;
    if ("crash" in answer) return this.#replace(thread, answer.crash);
    this.#busy.delete(thread);
    this.#restarts.succeeded();
    if ("error" in answer) job.result.reject(answer.error);
    else job.result.resolve(answer.output);
    this.#free(thread);
  }

  #free(thread: WorkerThread<I, O>): void {
    this.#idle.push(thread);
    this.#assign();
  }

  #assign(): void {
    while (this.#queue.length > 0) {
      const thread = this.#idle.pop();
      if (thread === undefined) return;
      const job = this.#queue.shift()!;
      this.#busy.set(thread, job);
      thread.send(job.input);
    }
  }

  #abort(job: Job<I, O>, reason: unknown): void {
    const waiting = this.#queue.indexOf(job);
    if (waiting >= 0) {
      this.#queue.splice(waiting, 1);
      job.result.reject(reason);
      return;
    }
    for (const [thread, running] of this.#busy) {
      if (running === job) return this.#replace(thread, reason);
    }
  }

  /** Ends a busy worker and its job, and starts another. */
  #replace(thread: WorkerThread<I, O>, reason: unknown): void {
    thread.terminate();
    this.#busy.get(thread)!.result.reject(reason);
    this.#busy.delete(thread);
    this.#respawn();
  }

  #onEnd(thread: WorkerThread<I, O>, reason: RpcError): void {
    if (this.#busy.has(thread)) {
      this.#log(`${reason.message}; starting another`);
      return this.#replace(thread, reason);
    }
    const idle = this.#idle.indexOf(thread);
    if (idle >= 0) this.#idle.splice(idle, 1);
    this.#starting.delete(thread);
    this.#onFailure(reason);
  }

  /**
   * Replaces a worker that had no job, or could not start, after a backoff. If
   * it was the last one, it fails the next job, or all of them once it is
   * hopeless.
   */
  #onFailure(reason: RpcError): void {
    this.#ready.reject(reason);
    const delayMs = this.#restarts.failed(reason);
    this.#log(`${reason.message}; starting another in ${formatMs(delayMs)}`);
    const others = this.#idle.length + this.#busy.size + this.#starting.size;
    if (others > 0) return;
    const count = this.#restarts.isHopeless ? this.#queue.length : 1;
    for (const job of this.#queue.splice(0, count)) job.result.reject(reason);
  }

  /** Before all workers have started, `ready` reports failures instead. */
  #log(line: string): void {
    if (this.#wasReady) this.#writeLog(line);
  }
}

function closedError(): RpcError {
  return new RpcError("aborted", "the worker pool was closed");
}
