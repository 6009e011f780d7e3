/**
 * One request of the command line, from its body to a record of its outcome.
 *
 * @module
 */
import type { RpcConnection } from "../amqp/connect.ts";
import type { CallOptions } from "../rpc/call_options.ts";
import { RpcError } from "../rpc/errors.ts";
import { jsonBody } from "../rpc/json_body.ts";

/** What became of one request. */
export interface Outcome {
  /** Counts the requests, from 1. */
  readonly id: number;
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

  /** The options are those of every call. */
  constructor(rpc: RpcConnection, queue: string, options: CallOptions) {
    this.#rpc = rpc;
    this.#queue = queue;
    this.#options = options;
  }

  /** Never throws for a failed call: its error is part of the outcome. */
  async call(id: number, body: Uint8Array): Promise<Outcome> {
    let attempts = 0;
    const startedMs = performance.now();
    const options = {
      ...this.#options,
      onAttempt: (attempt: number) => attempts = attempt,
    };
    const end = () => ({
      id,
      attempts,
      latencyMs: performance.now() - startedMs,
    });
    try {
      const reply = await this.#rpc.call(this.#queue, body, options);
      return { body: reply.bytes, ...end() };
    } catch (thrown) {
      if (thrown instanceof RangeError) throw thrown;
      return { error: RpcError.from(thrown), ...end() };
    }
  }
}

/** An outcome as one line of JSON. */
export function outcomeJson(outcome: Outcome): string {
  const { id, body, error, attempts, latencyMs } = outcome;
  return JSON.stringify({
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
