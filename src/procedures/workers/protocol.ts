/**
 * What goes between a pool and its workers, by a port of their own: what code
 * in a worker posts by `self.postMessage` is none of it.
 *
 * @module
 */
import { isRpcCode, type RpcCode, RpcError } from "../../rpc/errors.ts";

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

/** An error as a worker posts it. */
export function workerError({ code, message, members }: RpcError): WorkerError {
  return { code, message, members };
}

/** What a pool makes of a message; errors are errors again. */
export type Received<O> =
  | { output: O }
  | { error: RpcError }
  | { crash: RpcError }
  | { log: string };

/** A message as it was meant; undefined where it is none of ours. */
export function readMessage<O>(data: unknown): Received<O> | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if ("log" in data) {
    return typeof data.log === "string" ? { log: data.log } : undefined;
  }
  if ("output" in data) return { output: data.output as O };
  if ("error" in data) return named("error", data.error);
  return "crash" in data ? named("crash", data.crash) : undefined;
}

function named<K extends "error" | "crash">(
  kind: K,
  value: unknown,
): Record<K, RpcError> | undefined {
  const { code, message, members } = Object(value);
  if (!isRpcCode(code) || typeof message !== "string") return undefined;
  const error = new RpcError(code, message, { members });
  return { [kind]: error } as Record<K, RpcError>;
}

/** How a worker answers. */
export type Post<O> = (message: WorkerMessage<O>) => void;

/** What a worker's global scope offers; the types at hand are a window's. */
declare const self: {
  onmessage: ((event: MessageEvent) => void) | null;
};

/**
 * The worker's end: each job goes to `onJob`, which posts its answer. The port
 * is out of reach of what is loaded later.
 */
export function answerJobs<I, O>(
  onJob: (job: I, post: Post<O>) => void,
): void {
  self.onmessage = ({ ports: [port] }) => {
    self.onmessage = null;
    // Bound: a module may replace the method, and see the port as its `this`.
    const post: Post<O> = port!.postMessage.bind(port);
    port!.onmessage = ({ data }) => onJob(data, post);
  };
}
