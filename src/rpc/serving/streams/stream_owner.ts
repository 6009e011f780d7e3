/**
 * What a stream has of the run that it belongs to.
 *
 * @module
 */
import type { RpcError } from "../../errors.ts";
import type { RpcRequest } from "../../messages.ts";
import type { RequestQueue, StreamPort } from "../../transport.ts";
import type { SendPace } from "./send_pace.ts";
import type { StreamLimits } from "./stream_limits.ts";

/** A request queue that streams may be sent from. */
export type StreamingQueue = RequestQueue & { readonly streams: StreamPort };

/** What a stream waits for. */
export type StreamState =
  /** The procedure's next item. */
  | "running"
  /** Credit of the caller. */
  | "stalled"
  /** The broker, which has not taken what was sent. */
  | "blocked"
  /** The request, which is to be delivered again over another connection. */
  | "disconnected";

/** The run that a stream belongs to. */
export interface StreamOwner {
  /** The request as it came last. */
  readonly request: RpcRequest;
  readonly streamLimits: StreamLimits;
  /** Shared by all streams. */
  readonly pace: SendPace;
  /** It waits for something else, or an item was sent, at this time. */
  progressed(state: StreamState, atMs: number): void;
  /** It can't go on. */
  abort(error: RpcError): void;
}
