/**
 * Makes the calls of the command line.
 *
 * @module
 */
import type { RpcConnection } from "../../rpc/connection.ts";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { RpcError } from "../../rpc/errors.ts";

/** A request to send. */
export interface Request {
  /** Its id for `--json`: from the input, or else counted from 1. */
  readonly id: string | number;
  readonly body: Uint8Array;
  /** Options of this request alone. */
  readonly own?: Pick<CallOptions, "headers" | "type">;
}

/** The outcome of a request. */
export interface Outcome {
  /** The id of the request. */
  readonly id: string | number;
  /** The body of the reply. */
  readonly body?: Uint8Array;
  readonly error?: RpcError;
  readonly attempts: number;
  readonly latencyMs: number;
}

/** Makes calls to one queue with the same options. */
export class Caller {
  readonly #rpc: RpcConnection;
  readonly #queue: string;
  readonly #options: CallOptions;
  readonly #repeats: boolean;

  /** The options are for every call. */
  constructor(rpc: RpcConnection, queue: string, options: CallOptions) {
    this.#rpc = rpc;
    this.#queue = queue;
    this.#options = options;
    this.#repeats = Boolean(options.retries || options.wait);
  }

  /** A failed call does not throw: the outcome has its error. */
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

/** The options of a request: its own headers and type on top of the rest. */
export function withOwn(
  options: CallOptions,
  own: Request["own"] = {},
): CallOptions {
  const headers = { ...options.headers, ...own.headers };
  return { ...options, headers, type: own.type ?? options.type };
}
