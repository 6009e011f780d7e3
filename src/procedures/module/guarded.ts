/**
 * Runs of a module on the main thread, which their uncaught errors fail.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import type { Procedure, RpcResult } from "../../rpc/procedure.ts";
import { withItems } from "./items.ts";
import type { UncaughtErrors } from "./uncaught.ts";

/** A run on the main thread, which an uncaught error fails. */
export interface Run {
  /** Fails it. */
  fail(error: RpcError): void;
}

/** A procedure whose result, and each item of it, an uncaught error fails. */
export function guarded(
  procedure: Procedure,
  uncaught: UncaughtErrors<Run>,
): Procedure {
  return async (request, context) => {
    const failed = Promise.withResolvers<never>();
    const run = { fail: failed.reject };
    const during = <T>(act: () => T | PromiseLike<T>): Promise<T> =>
      Promise.race([uncaught.run(run, act), failed.promise]);
    const result = await during<RpcResult>(() => procedure(request, context));
    return withItems(result, during);
  };
}
