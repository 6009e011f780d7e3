/**
 * Exports telemetry where Deno does not do so itself, which is in an executable.
 * Loads the OpenTelemetry SDK only when it is asked for.
 *
 * @module
 */
import {
  context,
  metrics,
  ProxyTracerProvider,
  trace,
} from "@opentelemetry/api";
import { waitAtMost } from "../../async/delay.ts";
import { OtlpSender } from "./sender.ts";
import { otlpSettings } from "./settings.ts";

/** How long the last export may take. */
const CLOSE_MS = 2_000;

/** An exporter that is running. */
export interface Exporting {
  /** Sends what is left; what is not sent within two seconds is lost. */
  close(): Promise<void>;
}

/** Whether Deno exports: then it has registered providers of its own. */
export function isExportedByDeno(): boolean {
  return !(trace.getTracerProvider() instanceof ProxyTracerProvider);
}

/**
 * Registers providers that export to the receivers in the environment, which is
 * read now.
 *
 * @param environment returns the value of a variable. The SDK itself reads
 * those for the resource attributes and the service name.
 * @param serviceName the service name, unless the environment has one
 * @param onError called for each export that failed
 * @throws {RangeError} naming the variable whose value is invalid.
 */
export async function startExporting(
  environment: (name: string) => string | undefined,
  serviceName: string,
  onError: (error: Error) => void,
): Promise<Exporting> {
  const settings = otlpSettings(environment);
  const sdk = await loadSdk();
  const resource = describeProgram(sdk, serviceName);
  const { otlp, tracing, metering, contexts } = sdk;
  const spans = new OtlpSender(settings.traces, {
    "http/protobuf": otlp.ProtobufTraceSerializer,
    "http/json": otlp.JsonTraceSerializer,
  }, onError);
  const measurements = new OtlpSender(settings.metrics, {
    "http/protobuf": otlp.ProtobufMetricsSerializer,
    "http/json": otlp.JsonMetricsSerializer,
  }, onError);
  const processor = new tracing.BatchSpanProcessor({ exporter: spans });
  const reader = new metering.PeriodicExportingMetricReader({
    exporter: measurements,
    exportIntervalMillis: settings.metricIntervalMs,
  });
  trace.setGlobalTracerProvider(
    new tracing.TracerProvider({ resource, spanProcessors: [processor] }),
  );
  metrics.setGlobalMeterProvider(
    new metering.MeterProvider({ resource, readers: [reader] }),
  );
  context.setGlobalContextManager(
    new contexts.AsyncLocalStorageContextManager().enable(),
  );
  let closing: Promise<void> | undefined;
  return {
    close: () => closing ??= close([processor, reader], [spans, measurements]),
  };
}

/** Each import has a literal name, so that executables include it. */
async function loadSdk() {
  const [otlp, tracing, metering, resources, contexts] = await Promise.all([
    import("@opentelemetry/otlp-transformer"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/context-async-hooks"),
  ]);
  return { otlp, tracing, metering, resources, contexts };
}

function describeProgram(
  { resources }: Awaited<ReturnType<typeof loadSdk>>,
  serviceName: string,
) {
  const { defaultResource, detectResources, envDetector } = resources;
  return defaultResource()
    .merge(resources.resourceFromAttributes({ "service.name": serviceName }))
    .merge(detectResources({ detectors: [envDetector] }));
}

async function close(
  recorders: { shutdown(): Promise<void> }[],
  senders: { abandon(): void; forceFlush(): Promise<void> }[],
): Promise<void> {
  // Failures to send are reported by `onError`.
  const shutdowns = recorders.map((recorder) => recorder.shutdown());
  await waitAtMost(CLOSE_MS, Promise.allSettled(shutdowns));
  for (const sender of senders) sender.abandon();
  // Settles at once now, after the failures are reported.
  await Promise.all(senders.map((sender) => sender.forceFlush()));
  trace.disable();
  metrics.disable();
  context.disable();
}
