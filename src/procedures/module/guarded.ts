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
    const run = new GuardedRun(uncaught);
    const result = await run.during<RpcResult>(() =>
      procedure(request, context)
    );
    return withItems(result, (step) => run.during(step));
  };
}

class GuardedRun implements Run {
  readonly #uncaught: UncaughtErrors<Run>;
  #failure: RpcError | undefined;
  #failStep: ((error: RpcError) => void) | undefined;

  constructor(uncaught: UncaughtErrors<Run>) {
    this.#uncaught = uncaught;
  }

  fail(error: RpcError): void {
    this.#failure ??= error;
    this.#failStep?.(error);
  }

  /**
   * One step at a time. (A race of each with a promise that lasts as long as the
   * run would hold on to all of them.)
   */
  during<T>(act: () => T | PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#failStep = reject;
      if (this.#failure) reject(this.#failure);
      Promise.resolve(this.#uncaught.run(this, act)).then(resolve, reject);
    });
  }
}
