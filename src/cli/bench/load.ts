/**
 * Makes calls and measures them: as fast as replies come, or at a fixed rate.
 *
 * @module
 */
import type { RpcConnection } from "../../rpc/connection.ts";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { RpcError } from "../../rpc/errors.ts";
import { Pace, until } from "../pace.ts";
import type { Measurement } from "./measurement.ts";

/** What to send, how much of it, and how. */
export interface LoadOptions {
  queue: string;
  body: Uint8Array;
  timeoutMs: number;
  priority?: number;
  /** In flight at once; at a fixed rate, at most. */
  concurrency: number;
  /** How many calls; Infinity where `durationMs` ends it. */
  calls: number;
  /** For how long; Infinity where `calls` ends it. */
  durationMs: number;
  /** A second; undefined for a closed loop. */
  rate?: number;
  /** Ends it at once, with the calls that are in flight. */
  signal: AbortSignal;
}

/** Runs a load to its end. */
export async function runLoad(
  rpc: RpcConnection,
  options: LoadOptions,
  measurement: Measurement,
): Promise<void> {
  const load = new Load(rpc, options, measurement);
  measurement.start();
  const callers = Math.min(options.concurrency, options.calls);
  await Promise.all(Array.from({ length: callers }, () => load.run()));
  measurement.stop();
}

/** One load, shared by its callers. */
class Load {
  readonly #rpc: RpcConnection;
  readonly #options: LoadOptions;
  readonly #callOptions: CallOptions;
  readonly #measurement: Measurement;
  readonly #pace: Pace | undefined;
  readonly #startedMs = performance.now();
  #begun = 0;

  constructor(
    rpc: RpcConnection,
    options: LoadOptions,
    measurement: Measurement,
  ) {
    const { rate, timeoutMs, signal, priority } = options;
    this.#rpc = rpc;
    this.#options = options;
    this.#callOptions = { timeoutMs, signal, priority };
    this.#measurement = measurement;
    this.#pace = rate === undefined ? undefined : new Pace(rate, Infinity);
  }

  /** One caller: a call after the other, each when it is due. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    for (let dueMs; (dueMs = this.#next()) !== undefined;) {
      await until(dueMs, signal);
      if (signal.aborted) return;
      await this.#call(dueMs);
    }
  }

  /**
   * When the next call is due, or undefined where there is none. At a fixed
   * rate that is a point in the plan, however late the program is: a stall
   * counts against every call that it delays.
   */
  #next(): number | undefined {
    const { calls, durationMs, signal } = this.#options;
    if (signal.aborted || this.#begun >= calls) return undefined;
    this.#begun++;
    const dueMs = this.#pace?.next() ?? performance.now();
    return dueMs - this.#startedMs < durationMs ? dueMs : undefined;
  }

  async #call(dueMs: number): Promise<void> {
    const { queue, body, signal } = this.#options;
    try {
      await this.#rpc.call(queue, body, this.#callOptions);
      this.#measurement.succeeded(performance.now() - dueMs);
    } catch (thrown) {
      if (thrown instanceof RangeError) throw thrown;
      // What was in flight when it was stopped tells nothing.
      if (!signal.aborted) this.#measurement.failed(RpcError.from(thrown));
    }
  }
}
