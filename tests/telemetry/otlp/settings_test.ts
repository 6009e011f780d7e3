// The standard variables of OpenTelemetry.

import assert from "node:assert/strict";
import { otlpSettings } from "../../../src/telemetry/otlp/settings.ts";

function settings(variables: Record<string, string>) {
  return otlpSettings((name) => variables[name]);
}

Deno.test("without variables: the collector of this machine", () => {
  const target = { headers: {}, protocol: "http/protobuf", timeoutMs: 10_000 };
  assert.deepEqual(settings({}), {
    traces: { url: "http://localhost:4318/v1/traces", ...target },
    metrics: { url: "http://localhost:4318/v1/metrics", ...target },
    metricIntervalMs: 60_000,
  });
});

Deno.test("empty variables are not set", () => {
  assert.deepEqual(
    settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "",
      OTEL_EXPORTER_OTLP_TIMEOUT: " ",
    }),
    settings({}),
  );
});

Deno.test("what is for one kind goes before what is for all", () => {
  const { traces, metrics, metricIntervalMs } = settings({
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://otel.internal/base/",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://traces.internal/as-it-is",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%3Db, x = 1",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "x=2",
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "700",
    OTEL_METRIC_EXPORT_INTERVAL: "1000",
  });
  assert.deepEqual(traces, {
    url: "http://traces.internal/as-it-is",
    headers: { "api-key": "a=b", x: "1" },
    protocol: "http/json",
    timeoutMs: 700,
  });
  assert.deepEqual(metrics, {
    url: "https://otel.internal/base/v1/metrics",
    headers: { "api-key": "a=b", x: "2" },
    protocol: "http/protobuf",
    timeoutMs: 500,
  });
  assert.equal(metricIntervalMs, 1000);
});

const BAD: [string, string][] = [
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"],
  ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "ftp://localhost"],
  ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
  ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "json"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "api-key"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "=x"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "api-key=%zz"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "10s"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "0"],
  ["OTEL_METRIC_EXPORT_INTERVAL", "1.5"],
];

for (const [name, value] of BAD) {
  Deno.test(`${name}=${value} is refused by name`, () => {
    assert.throws(
      () => settings({ [name]: value }),
      (error) => error instanceof RangeError && error.message.startsWith(name),
    );
  });
}

Deno.test("credentials are not quoted", () => {
  for (const name of ["HEADERS", "ENDPOINT"]) {
    assert.throws(
      () => settings({ [`OTEL_EXPORTER_OTLP_${name}`]: "s3cr3t" }),
      (error: Error) => !error.message.includes("s3cr3t"),
    );
  }
});
