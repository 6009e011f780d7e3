/**
 * What a command is told of its request, beside the body: variables of its
 * environment.
 *
 * @module
 */
import { RpcError } from "../../rpc/errors.ts";
import type { HeaderValue, RpcRequest } from "../../rpc/messages.ts";
import { quote } from "../../rpc/texts.ts";

const PREFIX = "RABBIT_RPC_";
const HEADER = "HEADER_";
/** The ends of the names of all `HEADER_` variables, with commas between. */
const HEADERS = "REQUEST_HEADERS";
/** Of all names and values; the system has limits of its own above that. */
const MAX_BYTES = 64 * 1024;
const encoder = new TextEncoder();

/**
 * The variables for one request; properties that it lacks are empty ones, for
 * else those of a request that this server is itself the command of would show.
 * No variable has the name of a setting (a flag): callers choose the values.
 * Headers that are text, numbers, booleans or times are passed on as text;
 * tables, arrays and bytes are left out.
 *
 * @throws {RpcError} `invalid_argument` for what no environment can hold (a
 * NUL, or two headers whose names come out the same), `resource_exhausted` for
 * more than 64 KiB. Nothing is passed on in part: a command may decide by it.
 */
export function requestEnvironment(
  request: RpcRequest,
  timeoutMs: number,
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
  env.set("TIMEOUT_MS", String(Math.max(Math.round(timeoutMs), 0)), "timeout");
  const headers: string[] = [];
  for (const [name, value] of Object.entries(request.headers)) {
    const text = headerText(value);
    if (text === undefined) continue;
    const suffix = name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    env.set(HEADER + suffix, text, `header ${quote(name)}`);
    headers.push(suffix);
  }
  env.set(HEADERS, headers.join(","), "headers");
  return env.variables;
}

/**
 * Takes the headers of the request, whose command this program is, out of its
 * environment: its own children must not take them for those of theirs.
 */
export function withholdHeaders(env: Pick<Deno.Env, "get" | "delete">): void {
  const headers = env.get(PREFIX + HEADERS)?.split(",") ?? [];
  for (const suffix of headers) env.delete(PREFIX + HEADER + suffix);
}

/** Variables, checked as they are added. */
class Environment {
  readonly variables: Record<string, string> = {};
  #bytes = 0;

  /** `source` is the part of the request that it comes from. */
  set(suffix: string, value: string, source: string): void {
    const name = PREFIX + suffix;
    if (value.includes("\0")) {
      throw refused("invalid_argument", source, "it holds a NUL");
    }
    if (name in this.variables) {
      const why = `another header is ${name} as well`;
      throw refused("invalid_argument", source, why);
    }
    this.#bytes += name.length + encoder.encode(value).length;
    if (this.#bytes > MAX_BYTES) {
      const why = `headers may take ${MAX_BYTES} bytes`;
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
  // A time that is out of range has no text.
  if (value instanceof Date) return value.toJSON() ?? undefined;
  const isScalar = ["string", "number", "bigint", "boolean"]
    .includes(typeof value);
  return isScalar ? String(value) : undefined;
}
