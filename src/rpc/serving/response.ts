/**
 * A web `Response`, as `fetch()` and `Response.json()` make it, as a reply.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { settled } from "../../async/delay.ts";
import { type RpcCode, RpcError } from "../errors.ts";
import type { MessageHeaders } from "../messages.ts";
import type { SendableReply } from "../wire.ts";
import { replyTooLong } from "./request_limits.ts";

/** The codes for which the gateways of Google and gRPC give these statuses. */
const CODES: Record<number, RpcCode> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "aborted",
  429: "resource_exhausted",
  499: "canceled",
  500: "internal",
  501: "unimplemented",
  503: "unavailable",
  504: "deadline_exceeded",
};

/** About the framing of an HTTP message; a reply has its own. */
const HTTP_ONLY = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "transfer-encoding",
]);

const LONGEST_DETAIL = 1_000;
/** How much of a body is read for a detail, in bytes. */
const DETAIL_BYTES = 4 * LONGEST_DETAIL;

/** Limits for reading a result that comes in pieces. */
export interface ReadLimits {
  /** The largest body of a reply. */
  readonly maxReplyBytes: number;
  /** Aborted when nobody wants the result any more. */
  readonly signal: AbortSignal;
}

/**
 * Reads a response: its body, its MIME type and its other headers, as text. It
 * is canceled if it is too long, or when nobody wants it any more.
 *
 * @throws {RpcError} if its status is not one of 200 to 299: the code that
 * goes with the status, the body as detail, `status` among the details; or
 * `resource_exhausted` for a body over the limit.
 */
export async function readResponse(
  response: Response,
  { maxReplyBytes, signal }: ReadLimits,
): Promise<SendableReply> {
  if (!response.ok) throw await errorOf(response, signal);
  const headers: MessageHeaders = {};
  for (const [name, value] of response.headers) {
    if (!HTTP_ONLY.has(name)) headers[name] = value;
  }
  const { bytes, isWhole } = await readBody(response, maxReplyBytes, signal);
  if (!isWhole) throw replyTooLong(maxReplyBytes);
  return {
    body: bytes,
    headers,
    contentType: response.headers.get("content-type") ?? undefined,
  };
}

async function errorOf(
  response: Response,
  signal: AbortSignal,
): Promise<RpcError> {
  const { status, statusText } = response;
  const { bytes } = await readBody(response, DETAIL_BYTES, signal);
  const text = new TextDecoder().decode(bytes).trim().slice(0, LONGEST_DETAIL);
  const detail = text || statusText || `status ${status}`;
  return new RpcError(CODES[status] ?? "unknown", detail, {
    details: { status },
  });
}

/** A body up to the limit; the rest of it is canceled. */
async function readBody(
  { body }: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const whole = (isWhole: boolean) => ({
    bytes: new Uint8Array(Buffer.concat(chunks, Math.min(length, maxBytes))),
    isWhole,
  });
  if (body === null) return whole(true);
  const reader = body.getReader();
  const cancel = () => void settled(reader.cancel(signal.reason));
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (let next; !(next = await reader.read()).done;) {
      chunks.push(next.value);
      length += next.value.length;
      if (length <= maxBytes) continue;
      cancel();
      return whole(false);
    }
    return whole(true);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
