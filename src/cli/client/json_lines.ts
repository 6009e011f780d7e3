/**
 * Requests and outcomes as lines of JSON, for `--json` and `--dry-run`.
 *
 * @module
 */
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { jsonBody } from "../../rpc/json.ts";
import { jsonLine } from "../printable.ts";
import { type Outcome, type Request, withOwn } from "./caller.ts";
import { rawJSON } from "./raw_json.ts";

/** A request as a line for `--input ndjson`. */
export function requestJson(
  { id, body, own }: Request,
  options: CallOptions,
): string {
  const { headers = {}, type } = withOwn(options, own);
  return jsonLine({
    id,
    ...jsonBody(body),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(type && { type }),
  }, integers);
}

/** Writes a bigint as a JSON number. */
function integers(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJSON(String(value)) : value;
}

/** An outcome as a line of JSON. */
export function outcomeJson(outcome: Outcome): string {
  const { id, body, error, attempts, latencyMs } = outcome;
  return jsonLine({
    id,
    ok: error === undefined,
    ...(body && jsonBody(body)),
    ...(error && {
      error: { ...error.details, code: error.code, detail: error.message },
    }),
    attempts,
    latency_ms: Number(latencyMs.toFixed(3)),
  });
}
