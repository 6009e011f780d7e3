/**
 * The script of a worker thread that runs a module, one request at a time.
 *
 * @module
 */
import { fromEpochMs, toEpochMs } from "../../async/clock.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { Procedure } from "../../rpc/procedure.ts";
import { RpcRequest } from "../../rpc/messages.ts";
import { sendable } from "../../rpc/serving/results.ts";
import type { SendableResult } from "../../rpc/wire.ts";
import { loadModule } from "./load.ts";
import { LineLimit } from "../line_limit.ts";
import type { ModuleJob } from "./job.ts";
import {
  answerJobs,
  type Post,
  workerError,
  type WorkerMessage,
} from "../workers/protocol.ts";
import { uncaughtError, UncaughtErrors, uncaughtLine } from "./uncaught.ts";

type Message = WorkerMessage<SendableResult>;

class ModuleWorker {
  readonly #post: Post<SendableResult>;
  readonly #log: LineLimit;
  readonly #uncaught = new UncaughtErrors<ModuleJob>((error, job) =>
    this.#onUncaught(error, job)
  );
  readonly #path: string;
  #running: ModuleJob | undefined;
  #procedure: Promise<Procedure> | undefined;

  /** `path` is the path of the module. */
  constructor(path: string, post: Post<SendableResult>) {
    this.#path = path;
    this.#post = (message) => postSafely(message, post);
    this.#log = new LineLimit(`module "${path}"`, (log) => post({ log }));
    // Messages that a module posts itself would pile up unread.
    Reflect.set(globalThis, "postMessage", () => this.#onPost());
  }

  async run(job: ModuleJob): Promise<void> {
    this.#running = job;
    const message = await this.#uncaught.run(job, () => this.#outcome(job));
    // If not, it has crashed meanwhile, and this thread is about to end.
    if (this.#running !== job) return;
    this.#running = undefined;
    this.#post(message);
  }

  async #outcome(job: ModuleJob): Promise<Message> {
    try {
      const procedure = await (this.#procedure ??= loadModule(job.source));
      return { output: await answer(procedure, job) };
    } catch (thrown) {
      return { error: workerError(RpcError.from(thrown)) };
    }
  }

  #onUncaught(error: unknown, job: ModuleJob | undefined): void {
    this.#log.add(uncaughtLine(this.#path, error));
    // An error of an earlier job must not fail this one.
    if (job === undefined || job !== this.#running) return;
    this.#running = undefined;
    this.#post({ crash: workerError(uncaughtError(error)) });
  }

  #onPost(): void {
    this.#log.add(`module "${this.#path}": postMessage() has no effect`);
  }
}

async function answer(
  procedure: Procedure,
  { request, deadlineMs, maxReplyBytes }: ModuleJob,
): Promise<SendableResult> {
  if (request === undefined) return undefined;
  // Never aborted: a canceled request ends with its thread.
  const { signal } = new AbortController();
  const dueMs = fromEpochMs(deadlineMs);
  const asked = new RpcRequest(request.bytes, request);
  return await sendable(
    await procedure(asked, {
      signal,
      get deadlineMs() {
        return toEpochMs(dueMs);
      },
      request: asked,
      // Nobody hears of it yet.
      progress() {},
    }),
    { maxReplyBytes, signal },
  );
}

/** Posts an error instead of a result that can't be copied. */
function postSafely(message: Message, post: Post<SendableResult>): void {
  try {
    post(message);
  } catch (thrown) {
    const failure = "error" in message ? message.error : RpcError.from(thrown);
    const { code, message: detail } = failure;
    post({ error: { code, message: detail } });
  }
}

let worker: ModuleWorker | undefined;
answerJobs<ModuleJob, SendableResult>((job, post) => {
  worker ??= new ModuleWorker(job.source.path, post);
  void worker.run(job);
});
