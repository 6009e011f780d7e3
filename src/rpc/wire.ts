/**
 * What a request, a reply and an error reply look like as messages. A plain
 * client or server of RabbitMQ's tutorial six understands all of it: whatever
 * it does not know is in properties that it ignores.
 *
 * @module
 */
import { isRpcCode, RPC_CODES, RpcError } from "./errors.ts";
import { checkHeaders } from "./headers.ts";
import {
  type MessageHeaders,
  type MessageProperties,
  RpcReply,
  RpcRequest,
  toBytes,
} from "./messages.ts";
import type { ReplyInit } from "./procedure.ts";
import {
  type Credit,
  CREDIT_BYTES_HEADER,
  MESSAGE_TYPES,
  PROGRESS_HEADER,
  SEQ_HEADER,
  START_BY_HEADER,
  STREAM_HEADER,
} from "./stream_wire.ts";
import type { Delivery } from "./transport.ts";

/** Header of a request: its deadline, in ms since the epoch. */
export const DEADLINE_HEADER = "rpc-deadline";
/** The `type` of an error reply. */
export const ERROR_TYPE = "error";
/** The `content_type` of an error reply (RFC 9457). */
export const ERROR_CONTENT_TYPE = "application/problem+json";

const NO_BYTES = new Uint8Array(0);
const NO_HEADERS: MessageHeaders = Object.freeze({});

/** What the properties of an attempt are made of. */
export interface RequestFields {
  correlationId: string;
  replyTo: string;
  /** Time left until the deadline, in ms. */
  leftMs: number;
  messageId?: string | undefined;
  /** Defined if a stream is asked for. */
  stream?: StreamFields | undefined;
  /** The correlation id of progress messages, if those are asked for. */
  progressId?: string | undefined;
}

/** The options of a call that are sent with its request. */
export interface RequestOptions {
  type?: string;
  contentType?: string;
  headers?: MessageHeaders;
  contentEncoding?: string;
  persistent?: boolean;
  priority?: number;
}

/** What asks for a stream. */
export interface StreamFields {
  readonly credit: Credit;
  /** Of the time for the whole stream, in ms; Infinity without a limit. */
  leftMs: number;
}

/** The properties of a request that is sent now, by the wall clock. */
export function requestProperties(
  fields: RequestFields,
  epochMs: number,
  options: RequestOptions = {},
): MessageProperties {
  const { correlationId, replyTo, leftMs, messageId } = fields;
  const { stream, progressId } = fields;
  const { type, contentType, contentEncoding, priority } = options;
  const properties: MessageProperties = {
    correlationId,
    replyTo,
    headers: stream === undefined
      ? requestHeaders(options.headers, Math.ceil(epochMs + leftMs))
      : streamHeaders(options.headers, stream, epochMs, leftMs),
  };
  const expiresMs = stream === undefined ? leftMs : stream.leftMs;
  if (expiresMs < Infinity) properties.expiration = expirationFor(expiresMs);
  if (progressId) properties.headers![PROGRESS_HEADER] = progressId;
  if (type) properties.type = type;
  if (contentType) properties.contentType = contentType;
  if (contentEncoding) properties.contentEncoding = contentEncoding;
  if (priority) properties.priority = priority;
  if (messageId) properties.messageId = messageId;
  if (options.persistent) properties.deliveryMode = 2;
  return properties;
}

function requestHeaders(
  headers: MessageHeaders | undefined,
  deadlineMs: number,
): MessageHeaders {
  // Most requests have none of their own.
  if (headers === undefined) return { [DEADLINE_HEADER]: deadlineMs };
  return { ...headers, [DEADLINE_HEADER]: deadlineMs };
}

/** A stream need not have a deadline. */
function streamHeaders(
  headers: MessageHeaders | undefined,
  { credit: { items, bytes }, leftMs }: StreamFields,
  epochMs: number,
  firstLeftMs: number,
): MessageHeaders {
  return {
    ...headers,
    [STREAM_HEADER]: items,
    [CREDIT_BYTES_HEADER]: bytes,
    ...(firstLeftMs < leftMs && {
      [START_BY_HEADER]: Math.ceil(epochMs + firstLeftMs),
    }),
    ...(leftMs !== Infinity && {
      [DEADLINE_HEADER]: Math.ceil(epochMs + leftMs),
    }),
  };
}

/** RabbitMQ closes the channel for more than 32 bits. */
function expirationFor(leftMs: number): string {
  return String(Math.min(Math.max(Math.ceil(leftMs), 0), 2 ** 32 - 1));
}

/** A delivery from a request queue as a request. */
export function decodeRequest(
  delivery: Delivery,
  queue: string,
  receivedEpochMs: number,
): RpcRequest {
  const { properties } = delivery;
  const { timestamp } = properties;
  return new RpcRequest(delivery.body, {
    queue,
    type: properties.type ?? "",
    contentType: properties.contentType,
    contentEncoding: properties.contentEncoding,
    headers: properties.headers ?? NO_HEADERS,
    correlationId: properties.correlationId,
    messageId: properties.messageId,
    replyTo: properties.replyTo || undefined,
    redelivered: delivery.redelivered,
    priority: properties.priority,
    userId: properties.userId,
    appId: properties.appId,
    // Any 64 bits may be sent as a time, and not all are one.
    timestamp: Number.isNaN(timestamp?.getTime()) ? undefined : timestamp,
    deadlineMs: requestDeadline(properties, receivedEpochMs),
  });
}

/**
 * Below this, in ms, `expiration` is no time for a reply: it says "now or
 * never", and the broker has delivered the request now.
 */
const NOW_OR_NEVER_MS = 100;

/**
 * When the caller stops waiting: the time in the header, or the receipt plus
 * `expiration`, whichever is earlier. That corrects a caller's clock that is
 * ahead. If it is behind by more than the timeout, its requests look expired,
 * so clocks have to agree to within the timeout. A request with neither, or one
 * that only had to be delivered at once, has no deadline but the handler's.
 */
function requestDeadline(
  properties: MessageProperties,
  receivedEpochMs: number,
): number {
  const { expiration = "", headers = NO_HEADERS } = properties;
  const deadlineMs = numberHeader(headers, DEADLINE_HEADER);
  const ttlMs = /^\d+$/.test(expiration) ? Number(expiration) : Infinity;
  const leftMs = ttlMs < NOW_OR_NEVER_MS ? Infinity : ttlMs;
  return Math.min(deadlineMs ?? Infinity, receivedEpochMs + leftMs);
}

/** A header that is a number; undefined if it is anything else. */
export function numberHeader(
  headers: MessageHeaders,
  name: string,
): number | undefined {
  const value = headers[name];
  const isNumber = typeof value === "number" || typeof value === "bigint";
  return isNumber && !Number.isNaN(value) ? Number(value) : undefined;
}

/** Body and properties of a message to be published. */
export interface OutgoingMessage {
  body: Uint8Array;
  properties: MessageProperties;
}

/** A reply whose body is in one of two forms. */
export interface SendableReply extends ReplyInit {
  body: string | Uint8Array;
}

/** Whether a result only has to be encoded as UTF-8 to become a message. */
export type SendableResult = string | Uint8Array | SendableReply | undefined;

/** A procedure's result as the reply to a request. */
export function encodeReply(
  request: RpcRequest,
  result: SendableResult,
): OutgoingMessage {
  const properties: MessageProperties = {};
  if (request.correlationId !== undefined) {
    properties.correlationId = request.correlationId;
  }
  if (result === undefined) return { body: NO_BYTES, properties };
  if (typeof result === "string" || result instanceof Uint8Array) {
    return { body: toBytes(result), properties };
  }
  const { contentEncoding } = result;
  if (contentEncoding) properties.contentEncoding = contentEncoding;
  if (result.headers) properties.headers = checkHeaders(result.headers);
  if (result.contentType) properties.contentType = result.contentType;
  return { body: toBytes(result.body), properties };
}

/** The end of a stream of so many items. */
export function encodeEnd(request: RpcRequest, items: number): OutgoingMessage {
  const headers = { [SEQ_HEADER]: items };
  const end = encodeReply(request, { body: "", headers });
  end.properties.type = MESSAGE_TYPES.end;
  return end;
}

/** An error as the reply to a request. Never a stack trace. */
export function encodeError(
  request: RpcRequest,
  error: RpcError,
): OutgoingMessage {
  const { code, message, details } = error;
  const problem = { code, title: RPC_CODES[code], detail: message };
  const reply = encodeReply(request, {
    body: problemJson(problem, details),
    contentType: ERROR_CONTENT_TYPE,
  });
  reply.properties.type = ERROR_TYPE;
  return reply;
}

/** Details that JSON can't hold must not cost the caller its answer. */
function problemJson(
  problem: Record<string, unknown>,
  details: Record<string, unknown>,
): string {
  try {
    return JSON.stringify({ ...details, ...problem });
  } catch {
    return JSON.stringify(problem);
  }
}

/** A delivery from the callback queue: a reply, or the error that came. */
export function decodeReply(delivery: Delivery): RpcReply | RpcError {
  const { properties } = delivery;
  const reply = new RpcReply(
    delivery.body,
    properties.headers ?? NO_HEADERS,
    properties.contentType,
    properties.contentEncoding,
  );
  const isError = properties.type === ERROR_TYPE &&
    properties.contentType === ERROR_CONTENT_TYPE;
  return isError ? decodeError(reply) : reply;
}

function decodeError(reply: RpcReply): RpcError {
  const { code, title, detail, ...details } = parseProblem(reply);
  const message = typeof detail === "string"
    ? detail
    : typeof title === "string"
    ? title
    : "the server sent an error without a detail";
  return new RpcError(isRpcCode(code) ? code : "unknown", message, {
    remote: true,
    maybeExecuted: true,
    details,
  });
}

function parseProblem(reply: RpcReply): Record<string, unknown> {
  try {
    const problem = reply.json();
    if (typeof problem === "object" && problem !== null) return { ...problem };
  } catch {
    // It is not JSON after all: pass its text on.
  }
  return { detail: reply.text() };
}
