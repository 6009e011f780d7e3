/**
 * What a stream may be at most.
 *
 * @module
 */
import { RpcError } from "../../errors.ts";
import { formatBytes } from "../../texts.ts";

/** Those options of a server that a stream is held to. */
export interface StreamLimits {
  /** The largest body of one item. */
  readonly maxReplyBytes: number;
  /** Items of one stream. */
  readonly maxStreamItems: number;
  /** Bytes of all items of one stream together. */
  readonly maxStreamBytes: number;
}

/** Names of limits on streams, in the details of errors. */
export type StreamLimitName =
  | "max_stream_items"
  | "max_stream_bytes"
  | "max_streams";

/** The error that ends a stream over a limit; undefined for one within it. */
export function tooMany(
  unit: "items" | "bytes",
  found: number,
  max: number,
): RpcError | undefined {
  if (found <= max) return undefined;
  const shown = unit === "bytes" ? formatBytes(max) : `${max} items`;
  return new RpcError(
    "resource_exhausted",
    `a stream of more than ${shown}: the server's limit is that`,
    { details: { limit: `max_stream_${unit}`, max } },
  );
}
