/**
 * The inside of a worker thread: computes what it is sent, one job at a time.
 *
 * @module
 */
import { fib } from "./fib.ts";
import type { WorkerMessage } from "./pool.ts";

/** What a worker's global scope offers; the types at hand are a window's. */
declare const self: {
  onmessage: ((event: MessageEvent<number>) => void) | null;
  postMessage(message: WorkerMessage<number>): void;
};

self.onmessage = ({ data }) => self.postMessage({ output: fib(data) });
