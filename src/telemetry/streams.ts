/**
 * Traces and measures streams: a CLIENT span for each, whose context is sent
 * with the request, and what servers tell of theirs.
 *
 * @module
 */
import {
  type BatchObservableResult,
  context,
  type Meter,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { StreamInterceptor } from "../rpc/calling/streams/stream_interceptor.ts";
import type { StreamStats } from "../rpc/serving/streams/open_streams.ts";
import type { Instruments } from "./calls.ts";
import {
  endCallerSpan,
  itemAttributes,
  methodAttributes,
  outcomeAttributes,
  rpcAttributes,
} from "./conventions.ts";
import { createStreamGauges } from "./meters.ts";
import { spanOf, withSpan } from "./trace_context.ts";

/**
 * Traces each stream that is read, to where it ends or its reader leaves. A
 * `traceparent` in its headers becomes its parent.
 */
export function tracedStreams(instruments: Instruments): StreamInterceptor {
  const { tracer, meters, methods, broker } = instruments;
  return (next) =>
    async function* (call) {
      const { queue, options } = call;
      const called = { queue, type: options.type };
      const method = methods.name(called);
      const parent = spanOf(options.headers, context.active());
      const attributes = methodAttributes(method, called);
      const kind = SpanKind.CLIENT;
      const span = tracer.startSpan(method, { kind, attributes }, parent);
      const within = trace.setSpan(parent, span);
      const headers = withSpan(options.headers, span, within);
      const startMs = performance.now();
      let items = 0;
      let failure: unknown;
      meters.openStreams.add(1);
      try {
        const stream = next({ ...call, options: { ...options, headers } });
        for await (const item of stream) {
          if (items++ === 0) span.addEvent("first item");
          meters.receivedItems.add(1);
          yield item;
        }
      } catch (thrown) {
        failure = thrown;
        throw thrown;
      } finally {
        meters.openStreams.add(-1);
        span.setAttributes({ ...itemAttributes(items), ...broker() });
        endCallerSpan(span, failure);
        meters.callDuration.record((performance.now() - startMs) / 1000, {
          ...rpcAttributes(method),
          ...outcomeAttributes(failure),
        });
      }
    };
}

/** A server, as far as its streams go. */
export interface StreamServer {
  /** Counts of its streams, as they are now. */
  readonly streams: StreamStats;
}

/** Measures the streams of servers, whenever metrics are collected. */
export class ServerStreams {
  readonly #servers = new Set<StreamServer>();

  /** Of no server. */
  constructor(meter: Meter) {
    const gauges = createStreamGauges(meter);
    meter.addBatchObservableCallback(
      (result) => this.#observe(result, gauges),
      Object.values(gauges),
    );
  }

  /** Also of this server. */
  add(server: StreamServer): void {
    this.#servers.add(server);
  }

  #observe(
    result: BatchObservableResult,
    gauges: ReturnType<typeof createStreamGauges>,
  ): void {
    const total = { open: 0, stalled: 0, items: 0 };
    for (const { streams } of this.#servers) {
      total.open += streams.open;
      total.stalled += streams.stalled;
      total.items += streams.items;
    }
    result.observe(gauges.open, total.open);
    result.observe(gauges.stalled, total.stalled);
    result.observe(gauges.items, total.items);
  }
}
