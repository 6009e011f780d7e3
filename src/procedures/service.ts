/**
 * What a server runs: a builtin, a command or a module.
 *
 * @module
 */
import type { RpcRequest } from "../rpc/messages.ts";
import type { Procedure } from "../rpc/procedure.ts";

/** A procedure, and what a server has to know about it. */
export interface Service extends AsyncDisposable {
  readonly procedure: Procedure;
  /** The default for how many requests run at once. */
  readonly concurrency: number;
  /** Why it can't run anything now; undefined if it can. */
  problem?(): string | undefined;
  /** Describes a request in a log line; by default, its id and size. */
  describe?(request: RpcRequest): string;
}

/** The default concurrency of what waits rather than computes. */
export const WAITING_CONCURRENCY = 256;

/** The default for the largest body of a reply. */
export const DEFAULT_MAX_REPLY_BYTES = 16 * 1024 * 1024;
