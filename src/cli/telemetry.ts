/**
 * Tracing and metrics of a subcommand, if the environment asks for them:
 * `OTEL_DENO=true` without `OTEL_SDK_DISABLED=true`. Otherwise none of it is
 * loaded.
 *
 * @module
 */
import type { Command } from "commander";
import type { Exporting } from "../telemetry/otlp/exporting.ts";
import { Log } from "./log.ts";

/** Variables that hold credentials for the receivers. */
const CREDENTIALS = ["", "TRACES_", "METRICS_"]
  .map((signal) => `OTEL_EXPORTER_OTLP_${signal}HEADERS`);

/** The service name, unless the environment gives one. */
const SERVICE_NAME = "rabbit-rpc";

/**
 * Sets `flags.telemetry` if it is asked for. Returns what has to be closed at
 * the end, if anything.
 *
 * From source, Deno exports by itself. In an executable that was decided when
 * it was compiled, so there is an exporter of our own for the same variables.
 *
 * @throws {RangeError} if a variable of OpenTelemetry has an invalid value.
 */
export async function startTelemetry(
  command: Command,
): Promise<Exporting | undefined> {
  if (!isTrue("OTEL_DENO") || isTrue("OTEL_SDK_DISABLED")) return undefined;
  try {
    const exporting = await startExporter(new Log(command.opts()));
    const { Telemetry } = await import("../telemetry/telemetry.ts");
    command.setOptionValue("telemetry", new Telemetry());
    return exporting;
  } finally {
    // The commands that a server runs must not see them.
    for (const name of CREDENTIALS) Deno.env.delete(name);
  }
}

async function startExporter(log: Log): Promise<Exporting | undefined> {
  const { isExportedByDeno, startExporting } = await import(
    "../telemetry/otlp/exporting.ts"
  );
  if (isExportedByDeno()) return undefined;
  return await startExporting(Deno.env.get, SERVICE_NAME, warnOnce(log));
}

function isTrue(variable: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  if (state !== "granted") return false;
  return ["true", "1"].includes(Deno.env.get(variable)?.toLowerCase() ?? "");
}

/** Logs only the first failure to export. */
function warnOnce(log: Log): (error: Error) => void {
  let hasWarned = false;
  return ({ message }) => {
    if (!hasWarned) log.warn(`${message}; continuing without telemetry.`);
    hasWarned = true;
  };
}
