/**
 * The messages between a pool and its workers. They go through a port of their
 * own, apart from what other code in a worker posts with `self.postMessage`.
 *
 * @module
 */
import { isRpcCode, type RpcCode, RpcError } from "../../rpc/errors.ts";

/** What a worker posts: for each input, one output, error or crash. */
export type WorkerMessage<O> =
  | { output: O }
  /** Before the output: items come, of which there is no other output. */
  | { stream: true }
  /** One of them, for each that was asked for. */
  | { item: O }
  /** Before the output: how far the job has come. */
  | { progress: unknown }
  /** The job failed; the worker can take the next one. */
  | { error: WorkerError }
  /** The job failed and the worker may be damaged: it is to be replaced. */
  | { crash: WorkerError }
  /** A line for the log, at any time. */
  | { log: string };

/** The parts of an RpcError, since class instances can't be posted. */
export interface WorkerError {
  code: RpcCode;
  message: string;
  details?: Record<string, unknown>;
}

/** An error as a worker posts it. */
export function workerError({ code, message, details }: RpcError): WorkerError {
  return { code, message, details };
}

/** The answer to a job, with its error restored. */
export type Answer<O> =
  | { output: O }
  | { error: RpcError }
  | { crash: RpcError };

/** What comes of a job before its answer. */
export type Part<O> = { stream: true } | { item: O } | { progress: unknown };

/** Whether a message is no answer yet. */
export function isPart<O>(message: Answer<O> | Part<O>): message is Part<O> {
  return "stream" in message || "item" in message || "progress" in message;
}

/** Reads a message; undefined if it is not one of the protocol. */
export function readMessage<O>(
  data: unknown,
): Answer<O> | Part<O> | { log: string } | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if ("stream" in data) return { stream: true };
  if ("item" in data) return { item: data.item as O };
  if ("progress" in data) return { progress: data.progress };
  if ("log" in data) {
    return typeof data.log === "string" ? { log: data.log } : undefined;
  }
  if ("output" in data) return { output: data.output as O };
  if ("error" in data) return withError("error", data.error);
  return "crash" in data ? withError("crash", data.crash) : undefined;
}

function withError<K extends "error" | "crash">(
  kind: K,
  value: unknown,
): Record<K, RpcError> | undefined {
  const { code, message, details } = Object(value);
  if (!isRpcCode(code) || typeof message !== "string") return undefined;
  const error = new RpcError(code, message, { details });
  return { [kind]: error } as Record<K, RpcError>;
}

/** Posts an answer or a log line. */
export type Post<O> = (message: WorkerMessage<O>) => void;

/** The global scope of a worker; TypeScript has the types of a window. */
declare const self: {
  onmessage: ((event: MessageEvent) => void) | null;
};

/** What a pool posts: a job, or that so many more items are asked for. */
export type PoolMessage<I> = { job: I } | { more: number };

/**
 * The worker's side: passes each job to `onJob`, which posts its answer, and to
 * `onMore` how many more items are asked for. Code that is loaded later can't
 * reach the port.
 */
export function answerJobs<I, O>(
  onJob: (job: I, post: Post<O>) => void,
  onMore: (count: number) => void = () => {},
): void {
  self.onmessage = ({ ports: [port] }) => {
    self.onmessage = null;
    // Bound, since a module might replace the method to get at its `this`.
    const post: Post<O> = port!.postMessage.bind(port);
    port!.onmessage = ({ data }: MessageEvent<PoolMessage<I>>) => {
      if ("job" in data) onJob(data.job, post);
      else onMore(data.more);
    };
  };
}
