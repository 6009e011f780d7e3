/**
 * A job for a worker thread that runs a module.
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
