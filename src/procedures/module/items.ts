/**
 * The items of a stream that a module returned.
 *
 * @module
 */
import type { RpcResult } from "../../rpc/procedure.ts";
import { isAsyncIterable } from "../../rpc/serving/item_source.ts";

/** Does something around each step of a stream. */
export type Around = <T>(act: () => T | PromiseLike<T>) => Promise<T>;

/** The same result; if it is a stream, with something around each step. */
export function withItems(result: RpcResult, around: Around): RpcResult {
  // The pieces of a ReadableStream come from the runtime, not from the module.
  if (!isAsyncIterable(result) || result instanceof ReadableStream) {
    return result;
  }
  const iterator = result[Symbol.asyncIterator]();
  const end = { value: undefined, done: true as const };
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => around(() => iterator.next()),
      return: () => around(() => iterator.return?.() ?? end),
    }),
  };
}
