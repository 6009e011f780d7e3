/**
 * Errors that no `catch` ever sees: thrown by a timer, or a rejection that
 * nobody handles. Unhandled they would end the program.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { RpcError } from "../../rpc/errors.ts";
import { placeIn } from "./place.ts";

/**
 * Hears of an uncaught error, and of the run that it comes from, where that is
 * known: of every timer's, and of every rejection in newer versions of Deno.
 */
export type OnUncaught<R> = (error: unknown, run: R | undefined) => void;

/** Functions whose callbacks Deno has forgotten the run of once they throw. */
const TIMERS = ["setTimeout", "setInterval", "setImmediate"];

/** Catches them for this thread, from now until it is disposed of. */
export class UncaughtErrors<R> implements Disposable {
  readonly #runs = new AsyncLocalStorage<R>();
  readonly #disposal = new DisposableStack();
  readonly #onUncaught: OnUncaught<R>;

  /** One for each thread is enough. */
  constructor(onUncaught: OnUncaught<R>) {
    this.#onUncaught = onUncaught;
    this.#listen();
    for (const name of TIMERS) this.#traceTimer(name);
  }

  /** Runs a function; what it leaves behind is known as this run's. */
  run<T>(run: R, body: () => T): T {
    return this.#runs.run(run, body);
  }

  /** Uncaught errors end the program again. */
  [Symbol.dispose](): void {
    this.#disposal.dispose();
  }

  #listen(): void {
    const listening = new AbortController();
    const { signal } = listening;
    const caught = (event: Event, error: unknown) => {
      // Else the program, or the worker, would end.
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

  /** A timer set by a run catches for it; all others are as they were. */
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

/** For the caller: what was thrown, and never where. */
export function uncaughtError(error: unknown): RpcError {
  const { message } = RpcError.from(error);
  return new RpcError("internal", `uncaught error: ${message}`);
}

/** For a log: the same in one line, with the place. */
export function uncaughtLine(path: string, error: unknown): string {
  const stack = error instanceof Error ? String(error.stack ?? "") : "";
  const where = placeIn(stack);
  const [what] = uncaughtError(error).message.split("\n", 1);
  return `module "${path}": ${what}${where ? ` (${where})` : ""}`;
}
