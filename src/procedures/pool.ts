/**
 * Worker threads for what computes, so that the thread that speaks AMQP is
 * never held up.
 *
 * @module
 */
import { RpcError } from "../rpc/errors.ts";
import { wholeNumber } from "../rpc/limits.ts";

/** A job on its way through the pool. */
interface Job<I, O> {
  readonly input: I;
  readonly result: PromiseWithResolvers<O>;
}

/**
 * A fixed number of workers, each with one job at a time. A job that is
 * aborted ends with its worker, and another worker takes its place: nothing
 * else stops a computation.
 */
export class WorkerPool<I, O> implements Disposable {
  readonly #script: URL;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job<I, O>>();
  readonly #queue: Job<I, O>[] = [];
  #disposed = false;

  /** Starts the workers at once, without any permission. */
  constructor(script: URL, size: number) {
    this.#script = script;
    wholeNumber("workers", size, 1, 1024);
    for (let i = 0; i < size; i++) this.#idle.push(this.#spawn());
  }

  /**
   * Runs one job on the next free worker.
   *
   * @throws the signal's reason where it is aborted first, or an RpcError
   * `internal` where the worker failed.
   */
  async run(input: I, signal: AbortSignal): Promise<O> {
    signal.throwIfAborted();
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
    const reason = new RpcError("aborted", "the worker pool was closed");
    for (const job of this.#queue.splice(0)) job.result.reject(reason);
    for (const [worker, job] of this.#busy) {
      worker.terminate();
      job.result.reject(reason);
    }
    this.#busy.clear();
    for (const worker of this.#idle.splice(0)) worker.terminate();
  }

  #spawn(): Worker {
    const worker = new Worker(this.#script, {
      type: "module",
      deno: { permissions: "none" },
    });
    worker.onmessage = ({ data }: MessageEvent<O>) => {
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      this.#idle.push(worker);
      job?.result.resolve(data);
      this.#assign();
    };
    worker.onerror = (event) => {
      // Handled here: unhandled, it would end the program.
      event.preventDefault();
      const { message } = event;
      this.#replace(worker, new RpcError("internal", message));
    };
    return worker;
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const worker = this.#idle.pop()!;
      const job = this.#queue.shift()!;
      this.#busy.set(worker, job);
      worker.postMessage(job.input);
    }
  }

  #abort(job: Job<I, O>, reason: unknown): void {
    const waiting = this.#queue.indexOf(job);
    if (waiting >= 0) {
      this.#queue.splice(waiting, 1);
      job.result.reject(reason);
      return;
    }
    for (const [worker, running] of this.#busy) {
      if (running === job) this.#replace(worker, reason);
    }
  }

  #replace(worker: Worker, reason: unknown): void {
    worker.terminate();
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    const idle = this.#idle.indexOf(worker);
    if (idle >= 0) this.#idle.splice(idle, 1);
    job?.result.reject(reason);
    if (this.#disposed) return;
    this.#idle.push(this.#spawn());
    this.#assign();
  }
}
