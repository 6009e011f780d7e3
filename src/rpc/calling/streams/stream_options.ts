/**
 * How one stream is asked for.
 *
 * @module
 */
import {
  checkOneOf,
  checkOptions,
  durationMs,
  wholeNumber,
} from "../../limits.ts";
import { type CallOptions, checkCallOptions } from "../call_options.ts";
import { inherited } from "../within.ts";

/**
 * How one stream is asked for. Its items come as the procedure makes them, in
 * order, none twice and none missing. A procedure that is no stream gives its
 * reply as the only item.
 *
 * @example Read items as they come
 * ```ts
 * import { RpcConnection } from "@rabbit-rpc/rabbit-rpc";
 * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
 * import assert from "node:assert/strict";
 *
 * await using rpc = new RpcConnection(new MemoryTransport());
 * await using server = await rpc.serve("count", async function* (request) {
 *   for (let n = 1; n <= Number(request.text()); n++) yield n;
 * });
 * const seen: unknown[] = [];
 * for await (const item of rpc.stream("count", 3)) seen.push(item.json());
 * assert.deepEqual(seen, [1, 2, 3]);
 * ```
 */
export interface StreamOptions extends
  Omit<
    CallOptions,
    "timeoutMs" | "confirm" | "retries" | "attemptTimeoutMs" | "onAttempt"
  > {
  /**
   * The deadline of the whole stream, from when it is read first, in ms.
   * Without one a stream may go on for ever, as long as items come.
   *
   * @default {Infinity}
   */
  timeoutMs?: number;
  /**
   * How long the reader may have to wait for an item, or for the end, in ms;
   * for the first item connecting and waiting for a server are included. While
   * the reader has items, or does not ask for any, no such time passes. A server
   * that is gone is noticed within 15 s, even where this is longer.
   *
   * @default {30000}
   */
  idleTimeoutMs?: number;
  /**
   * How many items the server may send ahead of the reader. With that many on
   * their way or waiting here, the procedure is stopped until some are read.
   * All streams of a client share 4,096, but for 8 that each may have.
   *
   * @default {256}
   */
  credit?: number;
  /**
   * How many bytes of items the server may send ahead of the reader; the item
   * that exceeds them is still sent.
   *
   * @default {4194304}
   */
  creditBytes?: number;
  /**
   * What to do if a server is lost after items have come, and another runs
   * the request again: `abort` ends the stream by `aborted`; `skip` is for
   * procedures that repeat themselves exactly, and leaves out what has come. A
   * second run whose items differ is `aborted` as well. With `skip`, a silent
   * server is waited for as long as `idleTimeoutMs` allows.
   *
   * @default {"abort"}
   */
  restart?: "abort" | "skip";
}

/** Those options that have defaults, complete and checked. */
export interface StreamSettings {
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly credit: number;
  readonly creditBytes: number;
  readonly restart: "abort" | "skip";
}

const DEFAULTS: StreamSettings = {
  timeoutMs: Infinity,
  idleTimeoutMs: 30_000,
  credit: 256,
  creditBytes: 4 * 1024 * 1024,
  restart: "abort",
};

/**
 * Checks the options.
 *
 * @throws {RangeError} if a value is out of its range.
 * @throws {TypeError} if one has the wrong type.
 */
export function streamSettings(options: StreamOptions): StreamSettings {
  checkOptions(options);
  checkCallOptions(options);
  const {
    timeoutMs = DEFAULTS.timeoutMs,
    idleTimeoutMs = DEFAULTS.idleTimeoutMs,
    credit = DEFAULTS.credit,
    creditBytes = DEFAULTS.creditBytes,
    restart = DEFAULTS.restart,
  } = options;
  checkOneOf("restart", restart, ["abort", "skip"]);
  return {
    timeoutMs: limitMs("timeoutMs", timeoutMs),
    idleTimeoutMs: limitMs("idleTimeoutMs", idleTimeoutMs),
    credit: wholeNumber("credit", credit, 1),
    creditBytes: wholeNumber("creditBytes", creditBytes, 1),
    restart,
  };
}

function limitMs(option: string, value: number): number {
  return value === Infinity ? value : durationMs(option, value);
}

/** Within which the first item is due, in ms. */
export function firstItemMs(
  { timeoutMs, idleTimeoutMs }: StreamSettings,
): number {
  return Math.min(timeoutMs, idleTimeoutMs);
}

/**
 * The options of a stream with what it inherits of its context.
 *
 * @throws {RpcError} `deadline_exceeded` if no time is left.
 */
export function streamWithin(options: StreamOptions): StreamOptions {
  if (options.within === undefined) return options;
  const { leftMs, signal, headers } = inherited(options.within, options);
  const { timeoutMs = DEFAULTS.timeoutMs } = options;
  return {
    ...options,
    timeoutMs: Math.min(timeoutMs, leftMs),
    signal,
    headers,
  };
}
