/**
 * A worker thread whose end is noticed, however it ends.
 *
 * @module
 */
import process from "node:process";
import type { MessagePort } from "node:worker_threads";
import { timerMs } from "../../async/timers.ts";
import { RpcError } from "../../rpc/errors.ts";
import { formatMs } from "../../rpc/texts.ts";
import {
  type Answer,
  isPart,
  type Part,
  type PoolMessage,
  readMessage,
} from "./protocol.ts";

/** How to start a worker. */
export interface WorkerThreadOptions<I> {
  readonly script: URL;
  readonly permissions: Deno.PermissionOptions;
  /** Its first job; the worker has started once it has an output. */
  readonly firstJob: I;
  /** Limit of the first job, in ms. */
  readonly startTimeoutMs: number;
}

/** What a {@linkcode WorkerThread} reports. */
export interface WorkerThreadEvents<O> {
  /** The first job is done. */
  onStarted: () => void;
  /** The answer to any other job. */
  onAnswer: (answer: Answer<O>) => void;
  /** What comes before the answer. */
  onPart: (part: Part<O>) => void;
  onLog: (line: string) => void;
  /** It has ended, and reports nothing more; not after `terminate()`. */
  onEnd: (reason: RpcError) => void;
}

/** At least as many files as Deno opens for a worker. */
const FILES = 16;

/** A worker, with a message channel that only its script knows. */
export class WorkerThread<I, O> {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #events: WorkerThreadEvents<O>;
  readonly #startTimer: ReturnType<typeof setTimeout>;
  #hasStarted = false;
  #hasEnded = false;

  /**
   * Starts it.
   *
   * @throws {Deno.errors.NotCapable} for permissions that this program does not
   * have itself.
   * @throws {Error} with code `EMFILE` if too few files can be opened.
   */
  constructor(
    { script, permissions, firstJob, startTimeoutMs }: WorkerThreadOptions<I>,
    events: WorkerThreadEvents<O>,
  ) {
    checkFiles();
    this.#events = events;
    this.#worker = new Worker(script, {
      type: "module",
      deno: { permissions },
    });
    this.#worker.onerror = (event) => {
      // An unhandled error would end the program.
      event.preventDefault();
      this.#end(new RpcError("internal", event.message));
    };
    this.#port = this.#connect();
    this.#startTimer = setTimeout(
      () => this.#end(slowStart(startTimeoutMs)),
      timerMs(startTimeoutMs),
    );
    this.send(firstJob);
  }

  /** Sends it a job. */
  send(job: I): void {
    this.#post({ job });
  }

  /** Asks for so many more items of its job. */
  askFor(items: number): void {
    this.#post({ more: items });
  }

  /** Ends it, whatever it is doing. */
  terminate(): void {
    this.#hasEnded = true;
    clearTimeout(this.#startTimer);
    this.#worker.terminate();
    this.#port.close();
  }

  /**
   * A channel of Node's, since only these report that the other end is closed:
   * a worker may end itself at any time, and Deno reports that in no other way.
   */
  #connect(): MessagePort {
    const { MessageChannel } = process.getBuiltinModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    port1.on("message", (data: unknown) => this.#receive(data));
    port1.on("messageerror", () => this.#end(invalidMessage()));
    port1.on("close", () => this.#onClose());
    this.#worker.postMessage(null, [port2 as unknown as Transferable]);
    return port1;
  }

  #post(message: PoolMessage<I>): void {
    this.#port.postMessage(message);
  }

  #receive(data: unknown): void {
    if (this.#hasEnded) return;
    const message = readMessage<O>(data);
    if (message === undefined) return this.#end(invalidMessage());
    if ("log" in message) return this.#events.onLog(message.log);
    if (isPart(message)) return this.#events.onPart(message);
    if (this.#hasStarted) return this.#events.onAnswer(message);
    if ("error" in message) return this.#end(message.error);
    if ("crash" in message) return this.#end(message.crash);
    this.#hasStarted = true;
    clearTimeout(this.#startTimer);
    this.#events.onStarted();
  }

  #onClose(): void {
    if (this.#hasEnded) return;
    // The error that ended it may be reported after its port was closed.
    setTimeout(() => this.#end(endedItself()), 0);
  }

  #end(reason: RpcError): void {
    if (this.#hasEnded) return;
    this.terminate();
    this.#events.onEnd(reason);
  }
}

function slowStart(limitMs: number): RpcError {
  const limit = formatMs(limitMs);
  return new RpcError("internal", `a worker did not start within ${limit}`);
}

function endedItself(): RpcError {
  return new RpcError(
    "aborted",
    "the worker ended before its answer was complete",
  );
}

function invalidMessage(): RpcError {
  return new RpcError("internal", "the worker sent an invalid message");
}

/** Deno panics if it runs out of files as it starts a worker. */
function checkFiles(): void {
  const files: Deno.FsFile[] = [];
  try {
    for (let n = 0; n < FILES; n++) files.push(Deno.openSync("/dev/null"));
  } catch (error) {
    if ((error as { code?: unknown }).code === "EMFILE") throw error;
    // It can't be known: not permitted, or this system has no such file.
  } finally {
    for (const file of files) file.close();
  }
}
