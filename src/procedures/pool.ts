/**
 * Worker threads for what computes, so that the thread that speaks AMQP is
 * never held up.
 *
 * @module
 */
import { type RpcCode, RpcError } from "../rpc/errors.ts";
import { formatMs, timerMs, wholeNumber } from "../rpc/limits.ts";

/** What a worker posts: for each input one output, error or crash. */
export type WorkerMessage<O> =
  | { output: O }
  /** The job failed; the worker is fit for the next one. */
  | { error: WorkerError }
  /** The job failed and may have left anything behind: a new worker comes. */
  | { crash: WorkerError }
  /** A line for the log, at any time. */
  | { log: string };

/** An RpcError on its way between threads, where classes do not pass. */
export interface WorkerError {
  code: RpcCode;
  message: string;
  members?: Record<string, unknown>;
}

/** How a {@linkcode WorkerPool} runs its workers. */
export interface WorkerPoolOptions {
  /**
   * What the workers may do.
   *
   * @default {"none"}
   */
  permissions?: Deno.PermissionOptions;
  /** Hears the lines that workers have for the log. */
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
 * has a time limit of its own.
 */
export class WorkerPool<I, O> implements Disposable {
  readonly #script: URL;
  readonly #size: number;
  readonly #options: WorkerPoolOptions;
  readonly #first: I;
  /** With the timers that limit their first jobs. */
  readonly #starting = new Map<Worker, ReturnType<typeof setTimeout>>();
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job<I, O>>();
  readonly #queue: Job<I, O>[] = [];
  readonly #ready = Promise.withResolvers<void>();
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
    this.#size = wholeNumber("workers", size, 1, 1024);
    this.#ready.promise.catch(ignore);
    for (let i = 0; i < size; i++) this.#spawn();
  }

  /**
   * Resolves when all workers have started.
   *
   * @throws {RpcError} what one of them failed with instead.
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Runs one job on the next free worker.
   *
   * @throws the signal's reason where it is aborted first, or an RpcError:
   * what the worker answered, or `internal` where it failed.
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
    for (const job of this.#queue.splice(0)) job.result.reject(reason);
    for (const [worker, job] of this.#busy) {
      worker.terminate();
      job.result.reject(reason);
    }
    this.#busy.clear();
    for (const worker of this.#idle.splice(0)) worker.terminate();
    for (const worker of this.#starting.keys()) {
      worker.terminate();
      this.#stopStarting(worker);
    }
  }

  #spawn(): void {
    const worker = new Worker(this.#script, {
      type: "module",
      deno: { permissions: this.#options.permissions ?? "none" },
    });
    worker.onmessage = ({ data }: MessageEvent<WorkerMessage<O>>) =>
      this.#onMessage(worker, data);
    worker.onerror = (event) => {
      // Handled here: unhandled, it would end the program.
      event.preventDefault();
      this.#onDied(worker, new RpcError("internal", event.message));
    };
    const { startTimeoutMs = START_TIMEOUT_MS } = this.#options;
    const timer = setTimeout(
      () => this.#onDied(worker, slowStart(startTimeoutMs)),
      timerMs(startTimeoutMs),
    );
    this.#starting.set(worker, timer);
    worker.postMessage(this.#first);
  }

  #onMessage(worker: Worker, message: WorkerMessage<O>): void {
    if ("log" in message) return this.#options.log?.(message.log);
    if (this.#starting.has(worker)) return this.#onStarted(worker, message);
    const job = this.#busy.get(worker);
    // What a worker posted before it was ended may still arrive.
    if (job === undefined) return;
    if ("crash" in message) {
      return this.#replace(worker, errorOf(message.crash));
    }
    this.#busy.delete(worker);
    if ("error" in message) job.result.reject(errorOf(message.error));
    else job.result.resolve(message.output);
    this.#free(worker);
  }

  #onStarted(
    worker: Worker,
    message: Exclude<WorkerMessage<O>, { log: string }>,
  ): void {
    if ("error" in message) return this.#onDied(worker, errorOf(message.error));
    if ("crash" in message) return this.#onDied(worker, errorOf(message.crash));
    this.#stopStarting(worker);
    if (this.#starting.size === 0) this.#ready.resolve();
    this.#free(worker);
  }

  /** Whether it was starting. */
  #stopStarting(worker: Worker): boolean {
    clearTimeout(this.#starting.get(worker));
    return this.#starting.delete(worker);
  }

  #free(worker: Worker): void {
    this.#idle.push(worker);
    this.#assign();
  }

  #assign(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop();
      if (worker === undefined) return this.#refill();
      const job = this.#queue.shift()!;
      this.#busy.set(worker, job);
      worker.postMessage(job.input);
    }
  }

  /** New workers in the place of those that died without a job. */
  #refill(): void {
    const alive = this.#busy.size + this.#starting.size;
    const missing = Math.min(this.#size - alive, this.#queue.length);
    for (let i = 0; i < missing; i++) this.#spawn();
  }

  #abort(job: Job<I, O>, reason: unknown): void {
    const waiting = this.#queue.indexOf(job);
    if (waiting >= 0) {
      this.#queue.splice(waiting, 1);
      job.result.reject(reason);
      return;
    }
    for (const [worker, running] of this.#busy) {
      if (running === job) return this.#replace(worker, reason);
    }
  }

  /** Ends a busy worker and its job; another one takes its place. */
  #replace(worker: Worker, reason: unknown): void {
    worker.terminate();
    this.#busy.get(worker)!.result.reject(reason);
    this.#busy.delete(worker);
    this.#spawn();
  }

  /**
   * One that had no job is replaced when there is one: a script that always
   * fails would be started over and over. If it fails while it starts, that is
   * the answer to a job that waits for it.
   */
  #onDied(worker: Worker, reason: RpcError): void {
    if (this.#busy.has(worker)) return this.#replace(worker, reason);
    worker.terminate();
    const idle = this.#idle.indexOf(worker);
    if (idle >= 0) this.#idle.splice(idle, 1);
    if (this.#stopStarting(worker)) {
      this.#ready.reject(reason);
      this.#queue.shift()?.result.reject(reason);
    }
    this.#assign();
  }
}

function closedError(): RpcError {
  return new RpcError("aborted", "the worker pool was closed");
}

function slowStart(limitMs: number): RpcError {
  const limit = formatMs(limitMs);
  return new RpcError("internal", `a worker did not start within ${limit}`);
}

/** Jobs that wait for a worker fail as well. */
function ignore(): void {}

function errorOf({ code, message, members }: WorkerError): RpcError {
  return new RpcError(code, message, { members });
}
