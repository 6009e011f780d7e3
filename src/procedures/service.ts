/**
 * What a server runs, whatever it is made of.
 *
 * @module
 */
import type { RpcRequest } from "../rpc/messages.ts";
import type { Procedure } from "../rpc/procedure.ts";

/** A procedure, with what a server should know of it; ended with the server. */
export interface Service extends AsyncDisposable {
  readonly procedure: Procedure;
  /** How many to run at once when nothing is said. */
  readonly concurrency: number;
  /** Why it can run nothing for now; undefined where it can. */
  problem?(): string | undefined;
  /** A request in a log line; undefined for the usual wording. */
  describe?(request: RpcRequest): string;
}

/** For what waits rather than computes. */
export const WAITING_CONCURRENCY = 256;

/** The largest body of a reply when nothing is said. */
export const DEFAULT_MAX_REPLY_BYTES = 16 * 1024 * 1024;
