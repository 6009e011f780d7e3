/**
 * Traces and measures calls: a CLIENT span for each call, and in it a PRODUCER
 * span for each attempt, whose context is sent with the request.
 *
 * @module
 */
import {
  type Attributes,
  context,
  SpanKind,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { CallInterceptor } from "../rpc/calling/client_options.ts";
import { toBytes } from "../rpc/messages.ts";
import {
  endCallerSpan,
  messagingAttributes,
  methodAttributes,
  type Methods,
  outcomeAttributes,
  rpcAttributes,
} from "./conventions.ts";
import type { Meters } from "./meters.ts";
import { spanOf, withSpan } from "./trace_context.ts";

/** Shared by the interceptors of a connection. */
export interface Instruments {
  readonly tracer: Tracer;
  readonly meters: Meters;
  readonly methods: Methods;
  /** Attributes of the broker, as far as it is known. */
  readonly broker: () => Attributes;
}

/** Traces each call. A `traceparent` in its headers becomes its parent. */
export function tracedCalls(instruments: Instruments): CallInterceptor {
  const { tracer, meters, methods, broker } = instruments;
  return (next) => async (call) => {
    const { type, headers } = call.options;
    const called = { queue: call.queue, type };
    const method = methods.name(called);
    const attributes = methodAttributes(method, called);
    const parent = spanOf(headers, context.active());
    const span = tracer.startSpan(
      method,
      { kind: SpanKind.CLIENT, attributes },
      parent,
    );
    const startMs = performance.now();
    let failure: unknown;
    meters.pending.add(1);
    try {
      const within = trace.setSpan(parent, span);
      return await context.with(within, () => next(call));
    } catch (thrown) {
      failure = thrown;
      throw thrown;
    } finally {
      meters.pending.add(-1);
      // Not known earlier: the first call connects.
      endCallerSpan(span.setAttributes(broker()), failure);
      meters.callDuration.record((performance.now() - startMs) / 1000, {
        ...rpcAttributes(method),
        ...outcomeAttributes(failure),
      });
    }
  };
}

/** Traces each attempt, and puts its context into the request. */
export function tracedAttempts(instruments: Instruments): CallInterceptor {
  const { tracer, methods, broker } = instruments;
  return (next) => async ({ queue, body, options, messageId }) => {
    const bytes = toBytes(body);
    const called = { queue, type: options.type };
    const span = tracer.startSpan(`send ${queue}`, {
      kind: SpanKind.PRODUCER,
      attributes: {
        ...methodAttributes(methods.name(called), called),
        ...messagingAttributes("send", {
          queue,
          messageId,
          bodyBytes: bytes.length,
        }),
      },
    });
    const headers = withSpan(options.headers, span, context.active());
    let failure: unknown;
    try {
      return await next({
        queue,
        body: bytes,
        options: { ...options, headers },
      });
    } catch (thrown) {
      failure = thrown;
      throw thrown;
    } finally {
      endCallerSpan(span.setAttributes(broker()), failure);
    }
  };
}
