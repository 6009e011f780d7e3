/**
 * A job for a worker thread that runs a module, and its items.
 *
 * @module
 */
import type { RpcRequest } from "../../rpc/messages.ts";
import type { ModuleSource } from "./load.ts";

/** The module, and a request unless the job is only to load it. */
export interface ModuleJob {
  readonly source: ModuleSource;
  /** Without methods, since class instances can't be posted. */
  readonly request?: Omit<RpcRequest, "byteLength" | "json" | "text">;
  /** In ms since the epoch. */
  readonly deadlineMs: number;
  /** The largest body of a reply that comes in pieces, in bytes. */
  readonly maxReplyBytes: number;
}

/** So many items of a stream a worker makes ahead of their reader. */
export const ITEMS_AHEAD = 16;
