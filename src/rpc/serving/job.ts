/**
 * A delivery on its way through the server.
 *
 * @module
 */
import type { RpcError } from "../errors.ts";
import type { RpcRequest } from "../messages.ts";
import type { RequestQueue } from "../transport.ts";
import type { SendableResult } from "../wire.ts";

/** A request, with the queue that its delivery has to be settled on. */
export interface Job {
  readonly requests: RequestQueue;
  readonly deliveryTag: number;
  readonly request: RpcRequest;
  /** When its caller gives up, on the clock of `nowMs()`. */
  readonly dueMs: number;
}

/**
 * The result or the error of a procedure. For a stream there is no result, and
 * `items` says how many were sent.
 */
export type Outcome =
  | { result: SendableResult; items?: number }
  | { error: RpcError; items?: number };
