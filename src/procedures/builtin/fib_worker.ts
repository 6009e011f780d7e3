/**
 * The inside of a worker thread: computes what it is sent, one job at a time.
 *
 * @module
 */
import { fib } from "./fib.ts";
import { answerJobs } from "../workers/protocol.ts";

answerJobs<number, number>((n, post) => post({ output: fib(n) }));
