/**
 * What a stream may be at most.
 *
 * @module
 */
import { RpcError } from "../../errors.ts";
import { formatBytes } from "../../texts.ts";
import { replyTooLarge } from "../request_limits.ts";

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

/**
 * Checks an item of this size, with which the stream has so many items and bytes.
 *
 * @throws {RpcError} `resource_exhausted` if that is too much.
 */
export function checkItem(
  { maxReplyBytes, maxStreamItems, maxStreamBytes }: StreamLimits,
  size: number,
  items: number,
  bytes: number,
): void {
  if (size > maxReplyBytes) throw replyTooLarge(size, maxReplyBytes);
  if (items > maxStreamItems) throw tooMany("items", maxStreamItems);
  if (bytes > maxStreamBytes) throw tooMany("bytes", maxStreamBytes);
}

function tooMany(unit: "items" | "bytes", max: number): RpcError {
  const shown = unit === "bytes" ? formatBytes(max) : `${max} items`;
  return new RpcError(
    "resource_exhausted",
    `a stream of more than ${shown}: the server's limit is that`,
    { details: { limit: `max_stream_${unit}`, max } },
  );
}
