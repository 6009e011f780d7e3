/**
 * What a request may be at most.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import { headerSize } from "../headers.ts";
import { formatBytes } from "../limits.ts";
import type { RpcRequest } from "../procedure.ts";
import type { ServeOptions } from "./serve_options.ts";
import { numberHeader } from "../wire.ts";

/** Those options of a server that a request is held to. */
export type RequestLimits = Required<
  Pick<
    ServeOptions,
    "maxBodyBytes" | "maxDeliveries" | "maxHeaderBytes" | "maxHeaders"
  >
>;

/** Header that quorum queues count deliveries with, from the second on. */
const DELIVERY_COUNT_HEADER = "x-delivery-count";

/** The answer to a request that is over a limit; undefined where none is. */
export function overLimit(
  request: RpcRequest,
  limits: RequestLimits,
): RpcError | undefined {
  const { bytes, headers } = request;
  const { maxBodyBytes, maxDeliveries, maxHeaderBytes, maxHeaders } = limits;
  const redeliveries = numberHeader(headers, DELIVERY_COUNT_HEADER) ?? 0;
  if (redeliveries > maxDeliveries) {
    return new RpcError(
      "aborted",
      `the request was delivered ${redeliveries} times before without being ` +
        "answered; it may be what ends its servers",
    );
  }
  if (bytes.length > maxBodyBytes) {
    return tooLarge("a request", bytes.length, maxBodyBytes, "--max-body");
  }
  const size = headerSize(headers);
  if (size.count > maxHeaders) {
    return exhausted(`${size.count} headers`, maxHeaders, "--max-headers");
  }
  if (size.bytes <= maxHeaderBytes) return undefined;
  return tooLarge("headers", size.bytes, maxHeaderBytes, "--max-header-size");
}

/** The error for a reply that was not read to its end. */
export function replyTooLong(maxBytes: number): RpcError {
  const limit = formatBytes(maxBytes);
  return exhausted(`a reply of more than ${limit}`, limit, "--max-reply");
}

/** The error for what has more bytes than the server's limit. */
export function tooLarge(
  what: string,
  bytes: number,
  maxBytes: number,
  flag: string,
): RpcError {
  return exhausted(`${what} of ${bytes} bytes`, formatBytes(maxBytes), flag);
}

function exhausted(
  found: string,
  limit: number | string,
  flag: string,
): RpcError {
  return new RpcError(
    "resource_exhausted",
    `${found}: the server's limit is ${limit} (${flag})`,
  );
}
