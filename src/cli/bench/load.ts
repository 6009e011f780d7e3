/**
 * Makes calls as fast as replies arrive, or at a fixed rate, and measures them.
 *
 * @module
 */
import type { RpcConnection } from "../../rpc/connection.ts";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { RpcError } from "../../rpc/errors.ts";
import { Pace, until } from "../pace.ts";
import type { Measurement } from "./measurement.ts";

/** The load. */
export interface LoadOptions {
  queue: string;
  body: Uint8Array;
  timeoutMs: number;
  priority?: number;
  /** Calls in flight; at a fixed rate, the most that there may be. */
  concurrency: number;
  /** How many calls; Infinity if `durationMs` limits them. */
  calls: number;
  /** How long; Infinity if `calls` limits it. */
  durationMs: number;
  /** Calls per second; undefined for a closed loop. */
  rate?: number;
  /** How many items to read of each stream; undefined for calls. */
  items?: number;
  /** Ends the load at once, together with the calls in flight. */
  signal: AbortSignal;
}

/** Runs the load. */
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

/** A load that several callers share. */
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

  /** One caller: makes one call after the other, each when it is due. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    for (let dueMs; (dueMs = this.#next()) !== undefined;) {
      if (this.#pace) await until(dueMs, signal);
      if (signal.aborted) return;
      await this.#call(dueMs);
    }
  }

  /**
   * When the next call is due; undefined if there is none. At a fixed rate that
   * is the time in the schedule, however late the program is, so that a stall
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
    const { queue, body, signal, items } = this.#options;
    try {
      if (items === undefined) {
        await this.#rpc.call(queue, body, this.#callOptions);
      } else {
        await this.#read(items, dueMs);
      }
      this.#measurement.succeeded(dueMs, performance.now());
    } catch (thrown) {
      if (thrown instanceof RangeError) throw thrown;
      // Calls that were canceled at the end do not count as failures.
      if (!signal.aborted) this.#measurement.failed(RpcError.from(thrown));
    }
  }

  /** Reads so many items of a stream, unless it ends before. */
  async #read(items: number, dueMs: number): Promise<void> {
    const { queue, body, signal, priority, timeoutMs } = this.#options;
    const options = { signal, priority, idleTimeoutMs: timeoutMs };
    let read = 0;
    for await (const _item of this.#rpc.stream(queue, body, options)) {
      if (read === 0) this.#measurement.begun(performance.now() - dueMs);
      this.#measurement.addItem();
      if (++read === items) break;
    }
  }
}
