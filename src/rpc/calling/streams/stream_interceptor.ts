/**
 * Functions around streams.
 *
 * @module
 */
import type { RpcReply } from "../../messages.ts";
import type { StreamOptions } from "./stream_options.ts";

/** A stream, as an interceptor gets it and passes it on. */
export interface OutgoingStreamCall {
  /** The request queue. */
  readonly queue: string;
  /** The argument. */
  readonly body: string | Uint8Array;
  /** How the stream is asked for. */
  readonly options: StreamOptions;
}

/** Asks for a stream. */
export type SendStream = (call: OutgoingStreamCall) => AsyncIterable<RpcReply>;

/**
 * Something around every stream: it may change what is passed on, look at the
 * items, or give others. Nothing is sent before the stream is read; a reader who
 * leaves calls `return()`, which has to be passed on (a generator with
 * `for await` does).
 *
 * @example Count the items of all streams
 * ```ts
 * import { RpcConnection, type StreamInterceptor } from "@rabbit-rpc/rabbit-rpc";
 * import { MemoryTransport } from "@rabbit-rpc/rabbit-rpc/transport";
 * import assert from "node:assert/strict";
 *
 * let items = 0;
 * const counted: StreamInterceptor = (next) => async function* (call) {
 *   for await (const item of next(call)) {
 *     items++;
 *     yield item;
 *   }
 * };
 *
 * await using rpc = new RpcConnection(new MemoryTransport(), {
 *   streamInterceptors: [counted],
 * });
 * await using server = await rpc.serve("letters", async function* () {
 *   yield* ["a", "b"];
 * });
 * for await (const _item of rpc.stream("letters"));
 * assert.equal(items, 2);
 * ```
 */
export type StreamInterceptor = (next: SendStream) => SendStream;
