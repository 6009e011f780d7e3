/**
 * Exports what is recorded where Deno does not do it itself, which is in an
 * executable: the OpenTelemetry SDK, loaded when it is asked for.
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

/** How long the end may take: what is not sent by then is lost. */
const CLOSE_MS = 2_000;

/** What exports, until it is closed. */
export interface Exporting {
  /** Sends what is left, within two seconds. */
  close(): Promise<void>;
}

/** Whether Deno exports: it registers its providers itself, without a proxy. */
export function isExportedByDeno(): boolean {
  return !(trace.getTracerProvider() instanceof ProxyTracerProvider);
}

/**
 * Registers providers that export to the receivers that the environment names.
 * It is read now, and not later.
 *
 * @param environment a variable's value; of resource attributes and service
 * name the SDK reads them itself
 * @param serviceName what it is called where the environment does not say
 * @param onError hears of each export that failed
 * @throws {RangeError} where a variable's value makes no sense.
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

/** Named one by one: so they are part of an executable. */
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
  // A failure to send was told already; a late end is no failure.
  const shutdowns = recorders.map((recorder) => recorder.shutdown());
  await waitAtMost(CLOSE_MS, Promise.allSettled(shutdowns));
  for (const sender of senders) sender.abandon();
  // They settle at once now, and are told.
  await Promise.all(senders.map((sender) => sender.forceFlush()));
  trace.disable();
  metrics.disable();
  context.disable();
}
