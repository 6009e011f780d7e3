/**
 * The limits of a request.
 *
 * @module
 */
import { RpcError } from "../errors.ts";
import { headerSize } from "../headers.ts";
import type { RpcRequest } from "../messages.ts";
import { formatBytes } from "../texts.ts";
import { numberHeader } from "../wire.ts";
import type { ServeOptions } from "./serve_options.ts";

/** The options of a server that limit requests. */
export type RequestLimits = Required<
  Pick<
    ServeOptions,
    "maxBodyBytes" | "maxDeliveries" | "maxHeaderBytes" | "maxHeaders"
  >
>;

/** Header in which quorum queues count deliveries, from the second on. */
const DELIVERY_COUNT_HEADER = "x-delivery-count";

/**
 * The answer to a request over a limit; undefined if it is within all limits.
 */
export function overLimit(
  request: RpcRequest,
  limits: RequestLimits,
): RpcError | undefined {
  const { byteLength, headers } = request;
  const { maxBodyBytes, maxDeliveries, maxHeaderBytes, maxHeaders } = limits;
  const redeliveries = numberHeader(headers, DELIVERY_COUNT_HEADER) ?? 0;
  if (redeliveries > maxDeliveries) {
    return new RpcError(
      "aborted",
      `the request was delivered ${redeliveries} times before without an ` +
        "answer; it may be crashing its servers",
    );
  }
  if (byteLength > maxBodyBytes) {
    return tooLarge("a request", byteLength, "max_body_bytes", maxBodyBytes);
  }
  const size = headerSize(headers);
  if (size.count > maxHeaders) {
    return exceeded(`${size.count} headers`, "max_headers", maxHeaders);
  }
  if (size.bytes <= maxHeaderBytes) return undefined;
  return tooLarge("headers", size.bytes, "max_header_bytes", maxHeaderBytes);
}

/** The error for a reply that was not read to its end. */
export function replyTooLong(maxBytes: number): RpcError {
  const found = `a reply of more than ${formatBytes(maxBytes)}`;
  return exceeded(found, "max_reply_bytes", maxBytes);
}

/** The error for a reply that has more bytes than the server's limit. */
export function replyTooLarge(bytes: number, maxBytes: number): RpcError {
  return tooLarge("a reply", bytes, "max_reply_bytes", maxBytes);
}

/** A limit of a server, by its name in the `limit` of an error's details. */
export type LimitName =
  | "max_body_bytes"
  | "max_headers"
  | "max_header_bytes"
  | "max_reply_bytes";

function tooLarge(
  what: string,
  bytes: number,
  limit: LimitName,
  max: number,
): RpcError {
  return exceeded(`${what} of ${bytes} bytes`, limit, max);
}

function exceeded(found: string, limit: LimitName, max: number): RpcError {
  const shown = limit === "max_headers" ? max : formatBytes(max);
  return new RpcError(
    "resource_exhausted",
    `${found}: the server's limit is ${shown}`,
    { details: { limit, max } },
  );
}
