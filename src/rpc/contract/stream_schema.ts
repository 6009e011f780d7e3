/**
 * Outputs of contracts that come item by item.
 *
 * @module
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A schema for each item of a stream; see {@linkcode streamOf}. */
export interface StreamSchema<
  S extends StandardSchemaV1 = StandardSchemaV1,
> {
  /** Of one item. */
  readonly items: S;
}

/**
 * The output of a method that returns a stream: its handler returns an
 * `AsyncIterable` (as an `async function*` does), each item is checked, and the
 * client gets the items as they come.
 *
 * @example Serve a stream by contract, and read it
 * ```ts
 * import {
 *   type Contract,
 *   implement,
 *   RpcConnection,
 *   streamOf,
 * } from "@rabbit-rpc/rabbit-rpc";
 * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
 * import assert from "node:assert/strict";
 * import * as z from "zod";
 *
 * const contract = {
 *   countTo: { input: z.int(), output: streamOf(z.int()) },
 * } satisfies Contract;
 *
 * await using rpc = new RpcConnection(new MemoryTransport());
 * await using server = await rpc.serve(
 *   "numbers",
 *   implement(contract, {
 *     async *countTo(last) {
 *       for (let n = 1; n <= last; n++) yield n;
 *     },
 *   }),
 * );
 * let sum = 0;
 * for await (const n of rpc.client(contract, "numbers").countTo(3)) sum += n;
 * assert.equal(sum, 6);
 * ```
 */
export function streamOf<S extends StandardSchemaV1>(
  items: S,
): StreamSchema<S> {
  return { items };
}

/** Whether an output is a stream. */
export function isStreamSchema(output: unknown): output is StreamSchema {
  return typeof output === "object" && output !== null && "items" in output &&
    !("~standard" in output);
}
