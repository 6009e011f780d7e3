/**
 * Uncaught errors: thrown by a timer, or rejections without a handler. Deno
 * would end the program.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { RpcError } from "../../rpc/errors.ts";
import { placeIn } from "./place.ts";

/**
 * Takes an uncaught error and the run that it comes from, if that is known: for
 * all timers and, in newer versions of Deno, for all rejections.
 */
export type OnUncaught<R> = (error: unknown, run: R | undefined) => void;

/** Functions for whose callbacks Deno loses the run when they throw. */
const TIMERS = ["setTimeout", "setInterval", "setImmediate"];

/** Catches them in this thread, until it is disposed of. */
export class UncaughtErrors<R> implements Disposable {
  readonly #runs = new AsyncLocalStorage<R>();
  readonly #disposal = new DisposableStack();
  readonly #onUncaught: OnUncaught<R>;

  /** There should be only one in a thread. */
  constructor(onUncaught: OnUncaught<R>) {
    this.#onUncaught = onUncaught;
    this.#listen();
    for (const name of TIMERS) this.#traceTimer(name);
  }

  /** Runs a function; its later errors are attributed to this run. */
  run<T>(run: R, body: () => T): T {
    return this.#runs.run(run, body);
  }

  /** From now on, uncaught errors end the program again. */
  [Symbol.dispose](): void {
    this.#disposal.dispose();
  }

  #listen(): void {
    const listening = new AbortController();
    const { signal } = listening;
    const caught = (event: Event, error: unknown) => {
      // Otherwise the program, or the worker, would end.
      event.preventDefault();
      this.#onUncaught(error, this.#runs.getStore());
    };
    globalThis.addEventListener(
      "error",
      (event) => caught(event, event.error),
      { signal },
    );
    globalThis.addEventListener(
      "unhandledrejection",
      (event) => caught(event, event.reason),
      { signal },
    );
    this.#disposal.defer(() => listening.abort());
  }

  /** Wraps the callbacks of timers that a run sets. */
  #traceTimer(name: string): void {
    const original = Reflect.get(globalThis, name);
    const traced = (callback: unknown, ...rest: unknown[]) => {
      const isOurs = typeof callback === "function" &&
        this.#runs.getStore() !== undefined;
      return original(isOurs ? this.#traced(callback) : callback, ...rest);
    };
    Reflect.set(globalThis, name, traced);
    this.#disposal.defer(() => Reflect.set(globalThis, name, original));
  }

  // deno-lint-ignore ban-types -- whatever a handler passes to a timer
  #traced(callback: Function): (...values: unknown[]) => void {
    return (...values) => {
      try {
        Reflect.apply(callback, globalThis, values);
      } catch (error) {
        this.#onUncaught(error, this.#runs.getStore());
      }
    };
  }
}

/** The error for the caller: what was thrown, but not where. */
export function uncaughtError(error: unknown): RpcError {
  const { message } = RpcError.from(error);
  return new RpcError("internal", `uncaught error: ${message}`);
}

/** The line for the log: what was thrown, and where. */
export function uncaughtLine(path: string, error: unknown): string {
  const stack = error instanceof Error ? String(error.stack ?? "") : "";
  const where = placeIn(stack);
  const [what] = uncaughtError(error).message.split("\n", 1);
  return `module "${path}": ${what}${where ? ` (${where})` : ""}`;
}
