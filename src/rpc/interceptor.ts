/**
 * Functions around procedures, for what is not their business: tracing,
 * metrics, credentials, caches. Those around calls are in
 * calling/client_options.ts.
 *
 * @module
 */
import type { Procedure } from "./procedure.ts";

/**
 * Something around a procedure. It runs when the procedure would, within the
 * same limits of time and number.
 *
 * @example Tell how long each run takes
 * ```ts
 * import { connect, type ProcedureInterceptor } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * const runsMs: number[] = [];
 * const timed: ProcedureInterceptor = (next) => async (request, context) => {
 *   const startMs = performance.now();
 *   try {
 *     return await next(request, context);
 *   } finally {
 *     runsMs.push(performance.now() - startMs);
 *   }
 * };
 *
 * await using rpc = await connect(Deno.env.get("AMQP_URL"));
 * await using server = await rpc.serve("timed", () => "done", {
 *   interceptors: [timed],
 * });
 * await rpc.call("timed", "");
 * assert.equal(runsMs.length, 1);
 * ```
 */
export type ProcedureInterceptor = (next: Procedure) => Procedure;

/** A function within its interceptors. */
export function intercepted<T>(
  innermost: T,
  interceptors: readonly ((next: T) => T)[],
): T {
  return interceptors.reduceRight((next, wrap) => wrap(next), innermost);
}
