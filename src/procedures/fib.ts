/**
 * The tutorial's function, and the check of what it is asked for.
 *
 * @module
 */
import { RpcError } from "../rpc/errors.ts";
import { quote } from "../rpc/texts.ts";

/** The largest n whose result a double holds exactly. */
export const FIB_MAX = 78;

/** The recursive Fibonacci of RabbitMQ's tutorial six: slow on purpose. */
export function fib(n: number): number {
  if (n === 0) return 0;
  if (n === 1) return 1;
  return fib(n - 1) + fib(n - 2);
}

/**
 * The n of a request body; white space around it is allowed, since a shell's
 * `echo` adds a newline.
 *
 * @throws {RpcError} `invalid_argument`, with what was wanted.
 */
export function parseFibArgument(text: string): number {
  const digits = text.trim();
  const n = /^\d{1,3}$/.test(digits) ? Number(digits) : NaN;
  if (n <= FIB_MAX) return n;
  throw new RpcError(
    "invalid_argument",
    `fib wants a whole number from 0 to ${FIB_MAX}, got ${quote(text)}`,
  );
}
