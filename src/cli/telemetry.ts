/**
 * Tracing and metrics, where the environment asks for them: `OTEL_DENO=true`,
 * and not `OTEL_SDK_DISABLED=true`. Nothing of it is loaded else.
 *
 * @module
 */
import type { Command } from "commander";
import type { Exporting } from "../telemetry/otlp/exporting.ts";
import { Log } from "./log.ts";

/** Those that make calls or answer them for others. */
const SUBCOMMANDS = new Set(["server", "client"]);

/** What a receiver knows us by. */
const CREDENTIALS = ["", "TRACES_", "METRICS_"]
  .map((signal) => `OTEL_EXPORTER_OTLP_${signal}HEADERS`);

/** What is recorded where the environment gives it no name. */
const SERVICE_NAME = "rabbit-rpc";

/**
 * Prepares a subcommand to be traced and measured, by `flags.telemetry`;
 * returns what has to be closed at the end, if anything.
 *
 * From source Deno exports by itself. An executable decided that when it was
 * compiled: it has an exporter of our own, which obeys the same variables.
 *
 * @throws {RangeError} where a variable of OpenTelemetry makes no sense.
 */
export async function startTelemetry(
  command: Command,
): Promise<Exporting | undefined> {
  if (!SUBCOMMANDS.has(command.name()) || !isAsked()) return undefined;
  try {
    return await startAsked(command);
  } finally {
    // Read, and not for the commands that a server runs.
    for (const name of CREDENTIALS) Deno.env.delete(name);
  }
}

async function startAsked(command: Command): Promise<Exporting | undefined> {
  const { isExportedByDeno, startExporting } = await import(
    "../telemetry/otlp/exporting.ts"
  );
  const exporting = isExportedByDeno() ? undefined : await startExporting(
    Deno.env.get,
    SERVICE_NAME,
    reporter(new Log(command.opts())),
  );
  const { Telemetry } = await import("../telemetry/telemetry.ts");
  command.setOptionValue("telemetry", new Telemetry());
  return exporting;
}

function isAsked(): boolean {
  return isTrue("OTEL_DENO") && !isTrue("OTEL_SDK_DISABLED");
}

function isTrue(variable: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  if (state !== "granted") return false;
  return ["true", "1"].includes(Deno.env.get(variable)?.toLowerCase() ?? "");
}

/** Says once that a receiver can't be reached: calls go on without it. */
function reporter(log: Log): (error: Error) => void {
  let isTold = false;
  return ({ message }) => {
    if (!isTold) log.warn(`${message}; the program goes on without it.`);
    isTold = true;
  };
}
