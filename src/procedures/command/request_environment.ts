/**
 * The environment variables that describe a request to its command.
 *
 * @module
 */
import { epochNowMs } from "../../async/clock.ts";
import { RpcError } from "../../rpc/errors.ts";
import type { HeaderValue, RpcRequest } from "../../rpc/messages.ts";
import { quote } from "../../rpc/texts.ts";

const PREFIX = "RABBIT_RPC_";
const HEADER = "HEADER_";
/** In ms since the epoch; empty for a stream without a deadline. */
export const DEADLINE_VARIABLE = "RABBIT_RPC_DEADLINE";
/** Lists the suffixes of all `HEADER_` variables, separated by commas. */
const HEADERS = "REQUEST_HEADERS";
/** Limit on all names and values; below the limits of the system. */
const MAX_BYTES = 64 * 1024;
const encoder = new TextEncoder();

/**
 * The variables of a request, which has until `deadlineMs` (in ms since the
 * epoch; Infinity for a stream without a deadline). Missing properties become empty variables:
 * otherwise, if this server is itself run as a command, the command would see
 * those of the outer request. Since callers choose the values, no variable has
 * the name of a setting.
 *
 * Headers become text if they are strings, numbers, booleans or times; tables,
 * arrays and bytes are left out.
 *
 * @throws {RpcError} `invalid_argument` for a NUL, or for two headers with the
 * same variable; `resource_exhausted` for more than 64 KiB. Nothing is passed
 * on in part, since a command may base decisions on it.
 */
export function requestEnvironment(
  request: RpcRequest,
  deadlineMs: number,
): Record<string, string> {
  const env = new Environment();
  env.set("CORRELATION_ID", request.correlationId ?? "", "correlation_id");
  env.set("MESSAGE_ID", request.messageId ?? "", "message_id");
  env.set("REQUEST_TYPE", request.type, "type");
  env.set("REQUEST_CONTENT_TYPE", request.contentType ?? "", "content_type");
  env.set(
    "REQUEST_CONTENT_ENCODING",
    request.contentEncoding ?? "",
    "content_encoding",
  );
  env.set("REQUEST_PRIORITY", String(request.priority ?? ""), "priority");
  env.set("REQUEST_USER_ID", request.userId ?? "", "user_id");
  env.set("REQUEST_APP_ID", request.appId ?? "", "app_id");
  const time = request.timestamp?.toJSON();
  env.set("REQUEST_TIMESTAMP", time ?? "", "timestamp");
  const isLimited = deadlineMs < Infinity;
  const leftMs = Math.max(Math.round(deadlineMs - epochNowMs()), 0);
  env.set("TIMEOUT_MS", isLimited ? String(leftMs) : "", "timeout");
  const deadline = isLimited ? String(Math.floor(deadlineMs)) : "";
  env.add(DEADLINE_VARIABLE, deadline, "deadline");
  const headers: string[] = [];
  for (const [name, value] of Object.entries(request.headers)) {
    const text = headerText(value);
    if (text === undefined) continue;
    const suffix = name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    env.set(HEADER + suffix, text, `header ${quote(name)}`);
    headers.push(suffix);
  }
  env.set(HEADERS, headers.join(","), "headers");
  // As OpenTelemetry passes a trace on to a process.
  env.add("TRACEPARENT", traceText(request.headers.traceparent), "headers");
  env.add("TRACESTATE", traceText(request.headers.tracestate), "headers");
  return env.variables;
}

/** What is no trace is left out, rather than the request refused. */
function traceText(value: HeaderValue | undefined): string {
  return typeof value === "string" && !value.includes("\0") ? value : "";
}

/**
 * If this program is itself run as a command, removes the headers of the outer
 * request from its environment, so that its own commands do not see them.
 */
export function withholdHeaders(env: Pick<Deno.Env, "get" | "delete">): void {
  const headers = env.get(PREFIX + HEADERS)?.split(",") ?? [];
  for (const suffix of headers) env.delete(PREFIX + HEADER + suffix);
}

/** Collects and checks variables. */
class Environment {
  readonly variables: Record<string, string> = {};
  #bytes = 0;

  /** Adds a variable of this program. */
  set(suffix: string, value: string, source: string): void {
    this.add(PREFIX + suffix, value, source);
  }

  /** `source` is the part of the request that the value comes from. */
  add(name: string, value: string, source: string): void {
    if (value.includes("\0")) {
      throw refused("invalid_argument", source, "it contains a NUL");
    }
    if (name in this.variables) {
      const why = `another header has the same variable ${name}`;
      throw refused("invalid_argument", source, why);
    }
    this.#bytes += name.length + encoder.encode(value).length;
    if (this.#bytes > MAX_BYTES) {
      const why = `the limit for all headers is ${MAX_BYTES} bytes`;
      throw refused("resource_exhausted", source, why);
    }
    this.variables[name] = value;
  }
}

function refused(
  code: "invalid_argument" | "resource_exhausted",
  source: string,
  why: string,
): RpcError {
  return new RpcError(code, `${source} can't be passed to a command: ${why}`);
}

function headerText(value: HeaderValue): string | undefined {
  // An invalid date has no text.
  if (value instanceof Date) return value.toJSON() ?? undefined;
  const isScalar = ["string", "number", "bigint", "boolean"]
    .includes(typeof value);
  return isScalar ? String(value) : undefined;
}
