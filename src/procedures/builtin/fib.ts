/**
 * The Fibonacci function of the tutorial, and its argument.
 *
 * @module
 */
import { RpcError } from "../../rpc/errors.ts";
import { quote } from "../../rpc/texts.ts";

/** The largest n whose result is exact in a double. */
export const FIB_MAX = 78;

/** The recursive Fibonacci function of RabbitMQ's tutorial six, slow on purpose. */
export function fib(n: number): number {
  if (n === 0) return 0;
  if (n === 1) return 1;
  return fib(n - 1) + fib(n - 2);
}

/**
 * Parses the n in a request body. Spaces around it are allowed, since a shell's
 * `echo` adds a newline.
 *
 * @throws {RpcError} `invalid_argument` if it is not a number from 0 to 78.
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
