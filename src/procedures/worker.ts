/**
 * The inside of a worker thread: computes what it is sent, one job at a time.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { fib } from "./fib.ts";

self.onmessage = ({ data }: MessageEvent<number>) => {
  self.postMessage(fib(data));
};
