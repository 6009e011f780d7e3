/**
 * Worker threads for what computes, so that the thread that speaks AMQP is
 * never held up.
 *
 * @module
 */
import { settled } from "../async/delay.ts";
import { timerMs } from "../async/timers.ts";
import { RpcError } from "../rpc/errors.ts";
import { wholeNumber } from "../rpc/limits.ts";
import { formatMs } from "../rpc/texts.ts";
import { Restarts } from "./restarts.ts";
import type { Received } from "./worker_protocol.ts";
import { WorkerThread } from "./worker_thread.ts";

/** How a {@linkcode WorkerPool} runs its workers. */
export interface WorkerPoolOptions {
  /**
   * What the workers may do.
   *
   * @default {"none"}
   */
  permissions?: Deno.PermissionOptions;
  /** Hears the lines that workers have for the log, and of their ends. */
  log?: (line: string) => void;
  /**
   * How long a worker may take for its first job, in ms.
   *
   * @default {60_000}
   */
  startTimeoutMs?: number;
}

const START_TIMEOUT_MS = 60_000;

/** A job on its way through the pool. */
interface Job<I, O> {
  readonly input: I;
  readonly result: PromiseWithResolvers<O>;
}

/**
 * A fixed number of workers, each with one job at a time. A job that is
 * aborted ends with its worker, and another worker takes its place: nothing
 * else stops a computation. Nor does that surely stop one that was still
 * starting (Deno 2.9), so each worker has a first job that is not aborted, but
 * has a time limit of its own. One that ends by itself costs the job that it
 * has; where it has none, the next one comes after a backoff.
 */
export class WorkerPool<I, O> implements Disposable {
  readonly #script: URL;
  readonly #options: WorkerPoolOptions;
  readonly #first: I;
  /** With the timers that limit their first jobs. */
  readonly #starting = new Map<
    WorkerThread<I, O>,
    ReturnType<typeof setTimeout>
  >();
  readonly #idle: WorkerThread<I, O>[] = [];
  readonly #busy = new Map<WorkerThread<I, O>, Job<I, O>>();
  readonly #queue: Job<I, O>[] = [];
  readonly #restarts = new Restarts(() => this.#respawn());
  readonly #ready = Promise.withResolvers<void>();
  #wasReady = false;
  #disposed = false;

  /**
   * Starts the workers at once, each with the same first job, whose output
   * nobody sees.
   *
   * @throws {Deno.errors.NotCapable} for permissions that this program itself
   * does not have.
   */
  constructor(
    script: URL,
    size: number,
    first: I,
    options: WorkerPoolOptions = {},
  ) {
    this.#script = script;
    this.#first = first;
    this.#options = options;
    const count = wholeNumber("workers", size, 1, 1024);
    // Jobs that wait for a worker fail as well.
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
   * @throws {RpcError} what one of them failed with instead.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Why there is no worker that could take a job; undefined where there is. */
  get problem(): string | undefined {
    const { lastFailure } = this.#restarts;
    if (lastFailure === undefined) return undefined;
    if (this.#idle.length + this.#busy.size > 0) return undefined;
    return `no worker runs: ${lastFailure.message}`;
  }

  /**
   * Runs one job on the next free worker.
   *
   * @throws the signal's reason where it is aborted first, or an RpcError:
   * what the worker answered, `aborted` where it ended itself, or `internal`
   * where it failed.
   */
  async run(input: I, signal: AbortSignal): Promise<O> {
    signal.throwIfAborted();
    if (this.#disposed) throw closedError();
    const job: Job<I, O> = { input, result: Promise.withResolvers() };
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

  /** Ends all workers and whatever they do. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    const reason = closedError();
    this.#ready.reject(reason);
    const jobs = [...this.#queue.splice(0), ...this.#busy.values()];
    for (const job of jobs) job.result.reject(reason);
    const threads = [this.#idle, this.#busy.keys(), this.#starting.keys()];
    for (const thread of threads.flatMap((some) => [...some])) {
      thread.terminate();
    }
    for (const timer of this.#starting.values()) clearTimeout(timer);
    this.#restarts[Symbol.dispose]();
  }

  #spawn(): void {
    const { permissions = "none", startTimeoutMs = START_TIMEOUT_MS } =
      this.#options;
    const thread = new WorkerThread<I, O>(this.#script, permissions, {
      onMessage: (message) => this.#onMessage(thread, message),
      onEnd: (reason) => this.#onEnd(thread, reason),
    });
    const timer = setTimeout(() => {
      thread.terminate();
      this.#onEnd(thread, slowStart(startTimeoutMs));
    }, timerMs(startTimeoutMs));
    this.#starting.set(thread, timer);
    thread.send(this.#first);
  }

  /** Another worker in the place of one that is gone. */
  #respawn(): void {
    try {
      this.#spawn();
    } catch (error) {
      this.#failed(RpcError.from(error));
    }
  }

  #onMessage(thread: WorkerThread<I, O>, message: Received<O>): void {
    if ("log" in message) return this.#options.log?.(message.log);
    if (this.#starting.has(thread)) return this.#onStarted(thread, message);
    const job = this.#busy.get(thread);
    if (job === undefined) return;
    if ("crash" in message) return this.#replace(thread, message.crash);
    this.#busy.delete(thread);
    this.#restarts.succeeded();
    if ("error" in message) job.result.reject(message.error);
    else job.result.resolve(message.output);
    this.#free(thread);
  }

  #onStarted(
    thread: WorkerThread<I, O>,
    message: Exclude<Received<O>, { log: string }>,
  ): void {
    if (!("output" in message)) {
      thread.terminate();
      const reason = "error" in message ? message.error : message.crash;
      return this.#onEnd(thread, reason);
    }
    this.#stopStarting(thread);
    if (this.#starting.size === 0) {
      this.#wasReady = true;
      this.#ready.resolve();
    }
    this.#free(thread);
  }

  /** Whether it was starting. */
  #stopStarting(thread: WorkerThread<I, O>): boolean {
    clearTimeout(this.#starting.get(thread));
    return this.#starting.delete(thread);
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

  /** Ends a busy worker and its job; another one takes its place. */
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
    this.#stopStarting(thread);
    this.#failed(reason);
  }

  /**
   * One that had no job, or could not start, is replaced after a backoff. Where
   * it was the last, it is the answer to a job that waits, or to all of them
   * once there is little hope.
   */
  #failed(reason: RpcError): void {
    this.#ready.reject(reason);
    const inMs = this.#restarts.failed(reason);
    this.#log(`${reason.message}; starting another in ${formatMs(inMs)}`);
    const others = this.#idle.length + this.#busy.size + this.#starting.size;
    if (others > 0) return;
    const count = this.#restarts.hopeless ? this.#queue.length : 1;
    for (const job of this.#queue.splice(0, count)) job.result.reject(reason);
  }

  /** Before all have started, whoever waits for that is told. */
  #log(line: string): void {
    if (this.#wasReady) this.#options.log?.(line);
  }
}

function closedError(): RpcError {
  return new RpcError("aborted", "the worker pool was closed");
}

function slowStart(limitMs: number): RpcError {
  const limit = formatMs(limitMs);
  return new RpcError("internal", `a worker did not start within ${limit}`);
}
