/**
 * One request of the command line, from its body to a record of its outcome.
 *
 * @module
 */
import type { RpcConnection } from "../../amqp/connect.ts";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { RpcError } from "../../rpc/errors.ts";
import { jsonBody } from "../../rpc/json_body.ts";
import { jsonLine } from "../printable.ts";
import { rawJSON } from "./raw_json.ts";

/** What to send. */
export interface Request {
  /** What `--json` calls it: given by the input, or counted from 1. */
  readonly id: string | number;
  readonly body: Uint8Array;
  /** What it has of its own, beside the options of all. */
  readonly own?: Pick<CallOptions, "headers" | "type">;
}

/** What became of one request. */
export interface Outcome {
  /** That of the request. */
  readonly id: string | number;
  /** The body of the reply. */
  readonly body?: Uint8Array;
  readonly error?: RpcError;
  readonly attempts: number;
  readonly latencyMs: number;
}

/** Makes calls to one queue, all with the same options. */
export class Caller {
  readonly #rpc: RpcConnection;
  readonly #queue: string;
  readonly #options: CallOptions;
  readonly #repeats: boolean;

  /** The options are those of every call. */
  constructor(rpc: RpcConnection, queue: string, options: CallOptions) {
    this.#rpc = rpc;
    this.#queue = queue;
    this.#options = options;
    this.#repeats = Boolean(options.retries || options.wait);
  }

  /** Never throws for a failed call: its error is part of the outcome. */
  async call({ id, body, own }: Request): Promise<Outcome> {
    let attempts = 1;
    const startedMs = performance.now();
    let options = own ? withOwn(this.#options, own) : this.#options;
    if (this.#repeats) {
      options = { ...options, onAttempt: (attempt) => attempts = attempt };
    }
    let reply: Uint8Array | undefined;
    let error: RpcError | undefined;
    try {
      reply = (await this.#rpc.call(this.#queue, body, options)).bytes;
    } catch (thrown) {
      if (thrown instanceof RangeError) throw thrown;
      error = RpcError.from(thrown);
    }
    const latencyMs = performance.now() - startedMs;
    return { id, body: reply, error, attempts, latencyMs };
  }
}

/** The options of a request: its own headers and type beside those of all. */
export function withOwn(
  options: CallOptions,
  own: Request["own"] = {},
): CallOptions {
  const headers = { ...options.headers, ...own.headers };
  return { ...options, headers, type: own.type ?? options.type };
}

/** A request as a line of `--input ndjson`. */
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

/** A bigint as the number that it is in JSON. */
function integers(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJSON(String(value)) : value;
}

/** An outcome as one line of JSON. */
export function outcomeJson(outcome: Outcome): string {
  const { id, body, error, attempts, latencyMs } = outcome;
  return jsonLine({
    id,
    ok: error === undefined,
    ...(body && jsonBody(body)),
    ...(error && {
      error: { ...error.members, code: error.code, detail: error.message },
    }),
    attempts,
    latency_ms: Number(latencyMs.toFixed(3)),
  });
}
