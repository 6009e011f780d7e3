/**
 * Reads and writes W3C Trace Context in the headers of messages.
 *
 * Without the registered propagator, since Deno 2.4 has none.
 *
 * @module
 */
import {
  type Context,
  createContextKey,
  createTraceState,
  isSpanContextValid,
  type Span,
  trace,
  type TraceState,
} from "@opentelemetry/api";
import type { MessageHeaders } from "../rpc/messages.ts";

const PARENT = "traceparent";
const STATE = "tracestate";
/** Version, trace id, span id and flags; later versions may append more. */
const PARENT_PATTERN =
  /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** Key of the trace state, which Deno's spans do not inherit. */
const INHERITED_STATE = createContextKey("tracestate of the remote parent");

/** Adds a span in a context to the headers, as the sender of the message. */
export function withSpan(
  headers: MessageHeaders | undefined,
  span: Span,
  context: Context,
): MessageHeaders {
  const spanContext = span.spanContext();
  if (!isSpanContextValid(spanContext)) return { ...headers };
  const { traceId, spanId, traceFlags, traceState } = spanContext;
  const flags = traceFlags.toString(16).padStart(2, "0");
  const { [STATE]: _, ...others } = headers ?? {};
  const carried = {
    ...others,
    [PARENT]: `00-${traceId}-${spanId}-${flags}`,
  };
  const inherited = context.getValue(INHERITED_STATE) as TraceState | undefined;
  const state = (traceState ?? inherited)?.serialize();
  return state ? { ...carried, [STATE]: state } : carried;
}

/** Adds the span in the headers, if any, to a context. */
export function spanOf(
  headers: MessageHeaders | undefined,
  context: Context,
): Context {
  const parent = headers?.[PARENT];
  const match = typeof parent === "string" ? PARENT_PATTERN.exec(parent) : null;
  if (match === null) return context;
  const [, version, traceId, spanId, flags, rest] = match;
  if (version === "00" && rest !== undefined) return context;
  const state = headers?.[STATE];
  const traceState = typeof state === "string"
    ? createTraceState(state)
    : undefined;
  const spanContext = {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: parseInt(flags!, 16),
    isRemote: true,
    traceState,
  };
  if (!isSpanContextValid(spanContext)) return context;
  return trace.setSpanContext(context, spanContext)
    .setValue(INHERITED_STATE, traceState);
}
