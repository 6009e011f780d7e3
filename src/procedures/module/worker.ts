/**
 * The script of a worker thread that runs a module, one request at a time.
 *
 * @module
 */
import { fromEpochMs, toEpochMs } from "../../async/clock.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { Procedure, RpcResult } from "../../rpc/procedure.ts";
import { RpcRequest } from "../../rpc/messages.ts";
import {
  bodySource,
  type ItemSource,
  itemSource,
} from "../../rpc/serving/item_source.ts";
import { sendableValue } from "../../rpc/serving/result_values.ts";
import { sendable } from "../../rpc/serving/results.ts";
import { STREAM_HEADER } from "../../rpc/stream_wire.ts";
import type { SendableResult } from "../../rpc/wire.ts";
import { loadModule } from "./load.ts";
import { LineLimit } from "../line_limit.ts";
import { ITEMS_AHEAD, type ModuleJob } from "./job.ts";
import {
  answerJobs,
  type Post,
  workerError,
  type WorkerMessage,
} from "../workers/protocol.ts";
import { uncaughtError, UncaughtErrors, uncaughtLine } from "./uncaught.ts";

type Message = WorkerMessage<SendableResult>;

class ModuleWorker {
  readonly #postOrThrow: Post<SendableResult>;
  readonly #post: Post<SendableResult>;
  readonly #log: LineLimit;
  readonly #uncaught = new UncaughtErrors<ModuleJob>((error, job) =>
    this.#onUncaught(error, job)
  );
  readonly #path: string;
  #running: ModuleJob | undefined;
  /** How many more items of the running job are asked for. */
  #wanted = 0;
  #wake: (() => void) | undefined;
  #procedure: Promise<Procedure> | undefined;

  /** `path` is the path of the module. */
  constructor(path: string, post: Post<SendableResult>) {
    this.#path = path;
    this.#postOrThrow = post;
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
      return { output: await this.#answer(procedure, job) };
    } catch (thrown) {
      return { error: workerError(RpcError.from(thrown)) };
    }
  }

  /** A stream is posted item by item, and has no other output. */
  async #answer(
    procedure: Procedure,
    { request, deadlineMs, maxReplyBytes }: ModuleJob,
  ): Promise<SendableResult> {
    if (request === undefined) return undefined;
    // Never aborted: a canceled request ends with its thread.
    const { signal } = new AbortController();
    const dueMs = fromEpochMs(deadlineMs);
    const asked = new RpcRequest(request.bytes, request);
    const result = await procedure(asked, {
      signal,
      get deadlineMs() {
        return toEpochMs(dueMs);
      },
      request: asked,
      progress: (value) => this.#postOrThrow({ progress: value }),
    });
    const source = streamOf(result, asked);
    if (source === undefined) {
      return await sendable(result, { maxReplyBytes, signal });
    }
    await this.#stream(source);
  }

  async #stream(source: ItemSource): Promise<void> {
    this.#postOrThrow({ stream: true });
    this.#wanted = ITEMS_AHEAD;
    try {
      for (let next; !(next = await source.next()).done;) {
        this.#postOrThrow({ item: sendableValue(next.value) });
        this.#wanted--;
        while (this.#wanted === 0) await this.#moreWanted();
      }
    } catch (error) {
      source.cancel(error);
      throw error;
    }
  }

  /** The reader has taken some. */
  askFor(items: number): void {
    this.#wanted += items;
    this.#wake?.();
  }

  #moreWanted(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
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

/** Of a plain call, a `Response` is read as a whole: it has headers. */
function streamOf(
  result: RpcResult,
  { headers }: RpcRequest,
): ItemSource | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  if (!(result instanceof Response)) return itemSource(result);
  return STREAM_HEADER in headers ? bodySource(result) : undefined;
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
}, (items) => worker?.askFor(items));
