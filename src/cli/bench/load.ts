/**
 * Makes calls and measures them: as fast as replies come, or at a fixed rate.
 *
 * @module
 */
import type { RpcConnection } from "../../amqp/connect.ts";
import { delay } from "../../rpc/delay.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { Measurement } from "./measurement.ts";

/** What to send, how much of it, and how. */
export interface LoadOptions {
  queue: string;
  body: Uint8Array;
  timeoutMs: number;
  /** In flight at once; at a fixed rate, at most. */
  concurrency: number;
  /** How many calls; Infinity where `durationMs` ends it. */
  calls: number;
  /** For how long; Infinity where `calls` ends it. */
  durationMs: number;
  /** A second; undefined for a closed loop. */
  rate?: number;
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
  readonly #measurement: Measurement;
  readonly #startedMs = performance.now();
  #begun = 0;

  constructor(
    rpc: RpcConnection,
    options: LoadOptions,
    measurement: Measurement,
  ) {
    this.#rpc = rpc;
    this.#options = options;
    this.#measurement = measurement;
  }

  /** One caller: a call after the other, each when it is due. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    for (let dueMs; (dueMs = this.#next()) !== undefined;) {
      const waitMs = dueMs - performance.now();
      // Rounded up: a timer that fires early would make latencies too short.
      if (waitMs > 0) await delay(Math.ceil(waitMs), signal).catch(ignore);
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
    const { calls, durationMs, rate, signal } = this.#options;
    if (signal.aborted || this.#begun >= calls) return undefined;
    const n = this.#begun++;
    const afterMs = rate === undefined
      ? performance.now() - this.#startedMs
      : n * 1000 / rate;
    return afterMs < durationMs ? this.#startedMs + afterMs : undefined;
  }

  async #call(dueMs: number): Promise<void> {
    const { queue, body, timeoutMs } = this.#options;
    try {
      await this.#rpc.call(queue, body, { timeoutMs });
      this.#measurement.succeeded(performance.now() - dueMs);
    } catch (thrown) {
      if (thrown instanceof RangeError) throw thrown;
      this.#measurement.failed(RpcError.from(thrown));
    }
  }
}

/** A wait that was called off: its caller looks at the signal next. */
function ignore(): void {}
