/**
 * Settings of our own exporter, from the standard variables of OpenTelemetry.
 *
 * @module
 */
import { wholeNumber } from "../../rpc/limits.ts";

/** Where to send one kind of telemetry, and how. */
export interface OtlpTarget {
  readonly url: string;
  /** Headers of each request, such as credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: OtlpProtocol;
  /** Time limit for one request, in ms. */
  readonly timeoutMs: number;
}

/** The encoding of the telemetry. */
export type OtlpProtocol = "http/protobuf" | "http/json";

/** All settings. */
export interface OtlpSettings {
  readonly traces: OtlpTarget;
  readonly metrics: OtlpTarget;
  /** Time between two exports of metrics, in ms. */
  readonly metricIntervalMs: number;
}

const DEFAULT_ENDPOINT = "http://localhost:4318";

/** Returns the value of a variable; undefined if it is not set or empty. */
type Variable = (name: string) => string | undefined;

/**
 * Reads the settings.
 *
 * @throws {RangeError} naming the variable whose value is invalid.
 */
export function otlpSettings(
  environment: (name: string) => string | undefined,
): OtlpSettings {
  const variable: Variable = (name) => environment(name)?.trim() || undefined;
  return {
    traces: target("TRACES", variable),
    metrics: target("METRICS", variable),
    metricIntervalMs: milliseconds(
      "OTEL_METRIC_EXPORT_INTERVAL",
      variable,
      60_000,
    ),
  };
}

/** Variables for one kind of telemetry override those for all kinds. */
function target(kind: "TRACES" | "METRICS", variable: Variable): OtlpTarget {
  const prefix = "OTEL_EXPORTER_OTLP_";
  const nameOf = (option: string) => {
    const own = `${prefix}${kind}_${option}`;
    return variable(own) === undefined ? `${prefix}${option}` : own;
  };
  const base = endpoint(`${prefix}ENDPOINT`, variable) ?? DEFAULT_ENDPOINT;
  return {
    url: endpoint(`${prefix}${kind}_ENDPOINT`, variable) ??
      `${base.replace(/\/$/, "")}/v1/${kind.toLowerCase()}`,
    headers: {
      ...headers(`${prefix}HEADERS`, variable),
      ...headers(`${prefix}${kind}_HEADERS`, variable),
    },
    protocol: protocol(nameOf("PROTOCOL"), variable),
    timeoutMs: milliseconds(nameOf("TIMEOUT"), variable, 10_000),
  };
}

function endpoint(name: string, variable: Variable): string | undefined {
  const value = variable(name);
  if (value === undefined) return undefined;
  if (/^https?:\/\//.test(value) && URL.canParse(value)) return value;
  // Not quoted, since it may contain credentials.
  throw new RangeError(`${name} must be a URL with http:// or https://`);
}

/** Parses `name=value`, separated by commas; values are percent-encoded. */
function headers(name: string, variable: Variable): Record<string, string> {
  const pairs = (variable(name) ?? "").split(",").filter((it) => it.trim());
  return Object.fromEntries(pairs.map((pair) => {
    const equals = pair.indexOf("=");
    const key = pair.slice(0, Math.max(equals, 0)).trim();
    try {
      if (key !== "") {
        return [key, decodeURIComponent(pair.slice(equals + 1).trim())];
      }
    } catch {
      // An invalid encoding is reported below.
    }
    throw new RangeError(`${name} must be name=value[,name=value]`);
  }));
}

function protocol(name: string, variable: Variable): OtlpProtocol {
  const value = variable(name) ?? "http/protobuf";
  if (value === "http/protobuf" || value === "http/json") return value;
  throw new RangeError(
    `${name} must be http/protobuf or http/json, got "${value}"`,
  );
}

function milliseconds(
  name: string,
  variable: Variable,
  byDefault: number,
): number {
  const value = variable(name);
  return value === undefined
    ? byDefault
    : wholeNumber(name, Number(value), 1, 2 ** 31 - 1);
}
