// Providers that keep what is recorded in memory, for as long as a test runs.

import { type Attributes, context, metrics, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  type Histogram,
  MeterProvider,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import { type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";

/** Collects when a test asks. */
class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** What one measurement has come to; of a histogram its count. */
export interface Point {
  value: number;
  attributes: Attributes;
}

/** Registered until it is disposed of. */
export class Recording implements Disposable {
  /** Those that have ended, in the order of their ends. */
  readonly spans: ReadableSpan[] = [];
  readonly #reader = new Reader();

  constructor() {
    trace.setGlobalTracerProvider(
      new TracerProvider({
        spanProcessors: [{
          onStart() {},
          onEnd: (span) => void this.spans.push(span),
          forceFlush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        }],
      }),
    );
    metrics.setGlobalMeterProvider(
      new MeterProvider({ readers: [this.#reader] }),
    );
    context.setGlobalContextManager(
      new AsyncLocalStorageContextManager().enable(),
    );
  }

  /** The spans with that name. */
  named(name: string): ReadableSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** What a metric has come to. */
  async points(name: string): Promise<Point[]> {
    const { resourceMetrics } = await this.#reader.collect();
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) =>
        dataPoints.map(({ value, attributes }) => ({
          value: typeof value === "number" ? value : (value as Histogram).count,
          attributes,
        }))
      );
  }

  /** The sum of a metric over all its attributes. */
  async total(name: string): Promise<number> {
    const points = await this.points(name);
    return points.reduce((sum, { value }) => sum + value, 0);
  }

  [Symbol.dispose](): void {
    trace.disable();
    metrics.disable();
    context.disable();
  }
}
