/**
 * A web `Response`, as `fetch()` and `Response.json()` make it, as a reply.
 *
 * @module
 */
import { type RpcCode, RpcError } from "../errors.ts";
import type { SendableReply } from "./results.ts";
import type { MessageHeaders } from "../transport.ts";

/** The codes that Google's and gRPC's gateways give these statuses for. */
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

/**
 * Reads a response: its body, its MIME type and its other headers, as text.
 *
 * @throws {RpcError} where its status is not one of 200 to 299: the code that
 * goes with the status, the body as detail, `status` among the members.
 */
export async function readResponse(response: Response): Promise<SendableReply> {
  if (!response.ok) throw await errorOf(response);
  const headers: MessageHeaders = {};
  for (const [name, value] of response.headers) {
    if (!HTTP_ONLY.has(name)) headers[name] = value;
  }
  return {
    body: new Uint8Array(await response.arrayBuffer()),
    headers,
    contentType: response.headers.get("content-type") ?? undefined,
  };
}

async function errorOf(response: Response): Promise<RpcError> {
  const { status, statusText } = response;
  const text = (await response.text()).trim().slice(0, LONGEST_DETAIL);
  const detail = text || statusText || `status ${status}`;
  return new RpcError(CODES[status] ?? "unknown", detail, {
    members: { status },
  });
}
