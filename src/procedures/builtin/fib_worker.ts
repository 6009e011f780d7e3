/**
 * The script of a worker thread that computes Fibonacci numbers.
 *
 * @module
 */
import { fib } from "./fib.ts";
import { answerJobs } from "../workers/protocol.ts";

answerJobs<number, number>((n, post) => post({ output: fib(n) }));
