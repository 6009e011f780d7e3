/**
 * Calls that are made within a request.
 *
 * @module
 */
import { epochNowMs } from "../../async/clock.ts";
import { RpcError } from "../errors.ts";
import type { MessageHeaders } from "../messages.ts";
import type { RpcContext } from "../procedure.ts";
import { type CallOptions, DEFAULT_TIMEOUT_MS } from "./call_options.ts";

/** What a request passes on without being asked. */
const TRACE_HEADERS = ["traceparent", "tracestate"];

/** What a request gives to the calls within it. */
export interface Inherited {
  /** What is left of its deadline, in ms; Infinity if it has none. */
  readonly leftMs: number;
  readonly signal: AbortSignal;
  readonly headers: MessageHeaders;
}

/** Those options that calls and streams have in common. */
type OptionsWithin = Pick<
  CallOptions,
  "headers" | "passHeaders" | "signal" | "within"
>;

/**
 * What a call inherits of its context.
 *
 * @throws {RpcError} `deadline_exceeded` if no time is left.
 */
export function inherited(
  context: RpcContext,
  { headers, passHeaders = [], signal }: OptionsWithin,
): Inherited {
  const leftMs = context.deadlineMs - epochNowMs();
  if (leftMs <= 0) {
    throw new RpcError(
      "deadline_exceeded",
      "the request that the call is made within has no time left",
    );
  }
  const passed: MessageHeaders = {};
  for (const name of [...TRACE_HEADERS, ...passHeaders]) {
    const value = context.request.headers[name];
    if (value !== undefined) passed[name] = value;
  }
  return {
    leftMs,
    signal: signal ? AbortSignal.any([signal, context.signal]) : context.signal,
    headers: { ...passed, ...headers },
  };
}

/**
 * The options of a call with what it inherits.
 *
 * @throws {RpcError} `deadline_exceeded` if no time is left.
 */
export function callWithin(options: CallOptions): CallOptions {
  const { leftMs, signal, headers } = inherited(options.within!, options);
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return {
    ...options,
    timeoutMs: Math.min(timeoutMs, leftMs),
    signal,
    headers,
  };
}
