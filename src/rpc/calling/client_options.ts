/**
 * The options and counters of a client, and the functions around its calls.
 *
 * @module
 */
import type { RpcReply } from "../messages.ts";
import type { CallOptions } from "./call_options.ts";
import type { StreamInterceptor } from "./streams/stream_interceptor.ts";

/** A call, as an interceptor gets it and passes it on. */
export interface OutgoingCall {
  /** The request queue. */
  readonly queue: string;
  /** The argument. */
  readonly body: string | Uint8Array;
  /** How the call is made; around an attempt, only what it sends counts. */
  readonly options: CallOptions;
  /** Around an attempt that may be repeated: the id that all attempts carry. */
  readonly messageId?: string;
}

/** Makes a call, or one attempt of it. */
export type SendCall = (call: OutgoingCall) => Promise<RpcReply>;

/**
 * Something around every call, or around every attempt of one: it may change
 * what is passed on, look at the outcome, or answer by itself.
 *
 * @example Send a credential with every call
 * ```ts
 * import { type CallInterceptor, connect } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * const withToken: CallInterceptor = (next) => ({ options, ...call }) =>
 *   next({
 *     ...call,
 *     options: { ...options, headers: { ...options.headers, token: "42" } },
 *   });
 *
 * await using rpc = await connect(Deno.env.get("AMQP_URL"), {
 *   interceptors: [withToken],
 * });
 * await using server = await rpc.serve(
 *   "tokens",
 *   (request) => String(request.headers.token),
 * );
 * assert.equal((await rpc.call("tokens", "")).text(), "42");
 * ```
 */
export type CallInterceptor = (next: SendCall) => SendCall;

/** Counters of a client, for monitoring. */
export interface ClientStats {
  /** Calls that wait for their reply. */
  readonly inFlight: number;
  /** Replies that were late, repeated or unsolicited. */
  readonly unknownReplies: number;
}

/** Options of a client, for all of its calls. */
export interface ClientOptions {
  /** Around each call with all its attempts; the first is the outermost. */
  interceptors?: readonly CallInterceptor[];
  /** Around each attempt of a call; the first is the outermost. */
  attemptInterceptors?: readonly CallInterceptor[];
  /** Around each stream; the first is the outermost. */
  streamInterceptors?: readonly StreamInterceptor[];
  /**
   * How many bytes of requests may wait while the connection takes none (the
   * broker blocks it, or it stalls) or there is none yet. A call beyond that
   * fails at once with `resource_exhausted` (`overloaded`).
   *
   * @default {67108864}
   */
  maxUnsentBytes?: number;
  /** Called for each reply that no call waits for; must not throw. */
  onUnknownReply?: () => void;
}
