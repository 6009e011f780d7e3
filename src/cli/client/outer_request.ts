/**
 * The request that this program runs for, if a server runs it as a command:
 * its calls keep to that deadline, and belong to that trace.
 *
 * @module
 */
import { epochNowMs } from "../../async/clock.ts";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { MessageHeaders } from "../../rpc/messages.ts";
import { DEADLINE_VARIABLE } from "../../procedures/command/request_environment.ts";

/** What the calls inherit. */
export interface OuterRequest {
  /** In ms since the epoch; Infinity without one. */
  readonly deadlineMs: number;
  /** The headers of its trace. */
  readonly headers: MessageHeaders;
}

/** As OpenTelemetry passes a trace on to a process. */
const TRACE_VARIABLES = {
  traceparent: "TRACEPARENT",
  tracestate: "TRACESTATE",
};

/** Reads it from the environment. */
export function outerRequest(
  variable: (name: string) => string | undefined,
): OuterRequest {
  const deadline = variable(DEADLINE_VARIABLE) ?? "";
  const headers: MessageHeaders = {};
  for (const [header, name] of Object.entries(TRACE_VARIABLES)) {
    const value = variable(name);
    if (value) headers[header] = value;
  }
  const isTime = /^\d{1,15}$/.test(deadline);
  return { deadlineMs: isTime ? Number(deadline) : Infinity, headers };
}

/**
 * The options of a call within it: the shorter deadline, and its trace.
 *
 * @throws {RpcError} `deadline_exceeded` if no time is left.
 */
export function withinOuter<
  T extends Pick<CallOptions, "timeoutMs" | "headers">,
>(options: T, { deadlineMs, headers }: OuterRequest): T {
  const leftMs = deadlineMs - epochNowMs();
  if (leftMs <= 0) {
    throw new RpcError(
      "deadline_exceeded",
      "the request that this command runs for has no time left",
    );
  }
  const { timeoutMs = Infinity } = options;
  return {
    ...options,
    timeoutMs: Math.min(timeoutMs, leftMs),
    headers: { ...headers, ...options.headers },
  };
}
