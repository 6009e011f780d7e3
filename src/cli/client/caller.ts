/**
 * Makes the calls of the command line.
 *
 * @module
 */
import type { RpcConnection } from "../../rpc/connection.ts";
import type { CallOptions } from "../../rpc/calling/call_options.ts";
import { RpcError } from "../../rpc/errors.ts";
import { type OuterRequest, withinOuter } from "./outer_request.ts";

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
  readonly #outer: OuterRequest;
  readonly #repeats: boolean;

  /** The options are for every call, each of them within `outer`. */
  constructor(
    rpc: RpcConnection,
    queue: string,
    options: CallOptions,
    outer: OuterRequest,
  ) {
    this.#rpc = rpc;
    this.#queue = queue;
    this.#options = options;
    this.#outer = outer;
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
      const all = withinOuter(options, this.#outer);
      reply = (await this.#rpc.call(this.#queue, body, all)).bytes;
    } catch (thrown) {
      if (thrown instanceof RangeError) throw thrown;
      error = RpcError.from(thrown);
    }
    const latencyMs = performance.now() - startedMs;
    return { id, body: reply, error, attempts, latencyMs };
  }
}

/** The options of a request: its own headers and type on top of the rest. */
export function withOwn<T extends Pick<CallOptions, "headers" | "type">>(
  options: T,
  own: Request["own"] = {},
): T {
  const headers = { ...options.headers, ...own.headers };
  return { ...options, headers, type: own.type ?? options.type };
}
