/**
 * One worker thread, whose end is noticed however it comes about.
 *
 * @module
 */
import process from "node:process";
import type { MessagePort } from "node:worker_threads";
import { RpcError } from "../rpc/errors.ts";
import { readMessage, type Received } from "./worker_protocol.ts";

/** What a {@linkcode WorkerThread} tells. */
export interface WorkerThreadEvents<O> {
  onMessage: (message: Received<O>) => void;
  /** It is there no more, and says nothing more; not after `terminate()`. */
  onEnd: (reason: RpcError) => void;
}

/** Files that Deno opens for a worker, and then some. */
const FILES = 16;

/** A worker, and a channel that only its script knows. */
export class WorkerThread<I, O> {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #events: WorkerThreadEvents<O>;
  #ended = false;

  /**
   * Starts it.
   *
   * @throws {Deno.errors.NotCapable} for permissions that this program itself
   * does not have.
   * @throws {Error} with code `EMFILE` where too few files can be opened.
   */
  constructor(
    script: URL,
    permissions: Deno.PermissionOptions,
    events: WorkerThreadEvents<O>,
  ) {
    checkFiles();
    this.#events = events;
    this.#worker = new Worker(script, {
      type: "module",
      deno: { permissions },
    });
    // Node's, since only these tell that the other end is gone: a worker may
    // end itself at any time, and Deno tells of that in no other way.
    const { MessageChannel } = process.getBuiltinModule("node:worker_threads");
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (data: unknown) => this.#receive(data));
    port1.on("messageerror", () => this.#end(senseless()));
    port1.on("close", () => this.#closed());
    this.#worker.onerror = (event) => {
      // Handled here: unhandled, it would end the program.
      event.preventDefault();
      this.#end(new RpcError("internal", event.message));
    };
    this.#worker.postMessage(null, [port2 as unknown as Transferable]);
  }

  /** Sends it a job. */
  send(job: I): void {
    this.#port.postMessage(job);
  }

  /** Ends it, whatever it does. */
  terminate(): void {
    this.#ended = true;
    this.#worker.terminate();
    this.#port.close();
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    const message = readMessage<O>(data);
    if (message === undefined) this.#end(senseless());
    else this.#events.onMessage(message);
  }

  #closed(): void {
    if (this.#ended) return;
    // An error that ended it may be heard of after the end of its port.
    setTimeout(() => this.#end(endedItself()), 0);
  }

  #end(reason: RpcError): void {
    if (this.#ended) return;
    this.terminate();
    this.#events.onEnd(reason);
  }
}

function endedItself(): RpcError {
  return new RpcError("aborted", "the worker ended before it answered");
}

function senseless(): RpcError {
  return new RpcError("internal", "the worker sent an invalid message");
}

/** Without files, Deno panics as it starts a worker, which ends the program. */
function checkFiles(): void {
  const files: Deno.FsFile[] = [];
  try {
    for (let n = 0; n < FILES; n++) files.push(Deno.openSync("/dev/null"));
  } catch (error) {
    if ((error as { code?: unknown }).code === "EMFILE") throw error;
    // Not allowed, or no such file on this system: it can't be known.
  } finally {
    for (const file of files) file.close();
  }
}
