/**
 * One run of a module in a worker thread.
 *
 * @module
 */
import { AsyncQueue } from "../../async/queue.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { RpcContext, RpcResult } from "../../rpc/procedure.ts";
import type { SendableResult } from "../../rpc/wire.ts";
import type { WorkerPool } from "../workers/pool.ts";
import type { Part } from "../workers/protocol.ts";
import { ITEMS_AHEAD, type ModuleJob } from "./job.ts";

/** Ask for several at a time: each message between threads has its price. */
const ASK_FOR = ITEMS_AHEAD / 2;

/**
 * Runs a job. Resolves with its output, or with a stream of items, if that is what
 * the module gives. The worker ends if the stream is not read to its
 * end.
 */
export function runInWorker(
  pool: WorkerPool<ModuleJob, SendableResult>,
  job: ModuleJob,
  context: RpcContext,
): Promise<RpcResult> {
  const run = new WorkerRun(context);
  void pool.run(
    job,
    AbortSignal.any([context.signal, run.left]),
    (part, askFor) => run.take(part, askFor),
  ).then(
    (output) => run.end(output),
    (error) => run.fail(RpcError.from(error)),
  );
  return run.result;
}

class WorkerRun implements AsyncIterableIterator<SendableResult> {
  readonly #context: RpcContext;
  readonly #result = Promise.withResolvers<RpcResult>();
  readonly #leaving = new AbortController();
  readonly #items = new AsyncQueue<SendableResult>(() => this.#leaving.abort());
  #askFor: (items: number) => void = () => {};
  #isStream = false;
  #taken = 0;

  constructor(context: RpcContext) {
    this.#context = context;
  }

  /** The output, or this as soon as it is a stream. */
  get result(): Promise<RpcResult> {
    return this.#result.promise;
  }

  /** Aborted when its reader leaves. */
  get left(): AbortSignal {
    return this.#leaving.signal;
  }

  take(part: Part<SendableResult>, askFor: (items: number) => void): void {
    if ("progress" in part) return this.#context.progress(part.progress);
    if ("item" in part) return this.#items.push(part.item);
    this.#askFor = askFor;
    this.#isStream = true;
    this.#result.resolve(this);
  }

  end(output: SendableResult): void {
    this.#items.end();
    this.#result.resolve(output);
  }

  fail(error: RpcError): void {
    this.#items.end(error);
    if (!this.#isStream) this.#result.reject(error);
  }

  async next(): Promise<IteratorResult<SendableResult>> {
    const next = await this.#items.next();
    if (!next.done && ++this.#taken % ASK_FOR === 0) this.#askFor(ASK_FOR);
    return next;
  }

  return(): Promise<IteratorResult<SendableResult>> {
    return this.#items.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
