/**
 * The inside of a worker thread that runs a module: one request at a time.
 *
 * @module
 */
import { fromEpochMs, toEpochMs } from "../../rpc/clock.ts";
import { RpcError } from "../../rpc/errors.ts";
import { type Procedure, RpcRequest } from "../../rpc/procedure.ts";
import { sendable, type SendableResult } from "../../rpc/serving/results.ts";
import { loadModule } from "./load_module.ts";
import type { ModuleJob } from "./module.ts";
import type { WorkerError, WorkerMessage } from "../pool.ts";
import { uncaughtError, UncaughtErrors, uncaughtLine } from "./uncaught.ts";

/** What a worker's global scope offers; the types at hand are a window's. */
declare const self: {
  onmessage: ((event: MessageEvent<ModuleJob>) => void) | null;
  postMessage(message: WorkerMessage<SendableResult>): void;
};

class ModuleWorker {
  readonly #uncaught = new UncaughtErrors<ModuleJob>((error, job) =>
    this.#onUncaught(error, job)
  );
  #running: ModuleJob | undefined;
  #path = "";
  #procedure: Promise<Procedure> | undefined;

  async run(job: ModuleJob): Promise<void> {
    this.#running = job;
    const message = await this.#uncaught.run(job, () => this.#outcome(job));
    // Else it has crashed meanwhile: this thread is about to be ended.
    if (this.#running !== job) return;
    this.#running = undefined;
    post(message);
  }

  async #outcome(job: ModuleJob): Promise<WorkerMessage<SendableResult>> {
    try {
      this.#path = job.source.path;
      const procedure = await (this.#procedure ??= loadModule(job.source));
      return { output: await answer(procedure, job) };
    } catch (thrown) {
      return { error: workerError(RpcError.from(thrown)) };
    }
  }

  #onUncaught(error: unknown, job: ModuleJob | undefined): void {
    post({ log: uncaughtLine(this.#path, error) });
    // What an earlier job left behind must not cost this one its answer.
    if (job === undefined || job !== this.#running) return;
    this.#running = undefined;
    post({ crash: workerError(uncaughtError(error)) });
  }
}

async function answer(
  procedure: Procedure,
  { request, deadlineMs }: ModuleJob,
): Promise<SendableResult> {
  if (request === undefined) return undefined;
  // Nothing aborts it: a request that is over ends with its thread.
  const { signal } = new AbortController();
  const dueMs = fromEpochMs(deadlineMs);
  return await sendable(
    await procedure(new RpcRequest(request.bytes, request), {
      signal,
      get deadlineMs() {
        return toEpochMs(dueMs);
      },
    }),
  );
}

function workerError({ code, message, members }: RpcError): WorkerError {
  return { code, message, members };
}

/** What can't be copied to another thread, a function in a header, fails. */
function post(message: WorkerMessage<SendableResult>): void {
  try {
    self.postMessage(message);
  } catch (thrown) {
    const failure = "error" in message ? message.error : RpcError.from(thrown);
    const { code, message: detail } = failure;
    self.postMessage({ error: { code, message: detail } });
  }
}

const worker = new ModuleWorker();
self.onmessage = ({ data }) => void worker.run(data);
