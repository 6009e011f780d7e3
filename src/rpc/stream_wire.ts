/**
 * What streams look like as messages: the header that asks for one, its items
 * and its end, and what the caller sends to the server while it runs. Progress
 * is told in the same way.
 *
 * @module
 */
import { encodeJson, JSON_CONTENT_TYPE } from "./json.ts";
import type {
  MessageHeaders,
  MessageProperties,
  RpcRequest,
} from "./messages.ts";
import type { PublishListener } from "./transport.ts";

/** Header of a request: a stream is wanted, of so many items to begin with. */
export const STREAM_HEADER = "rpc-stream";
/**
 * Header of a request: when it is too late to begin, in ms since the epoch. The
 * broker can't be told: it would drop the request of a stream that has begun
 * when that is to be delivered again.
 */
export const START_BY_HEADER = "rpc-start-by";
/** Header of an item: its number, from 0; of the end: how many there were. */
export const SEQ_HEADER = "rpc-seq";
/** Header that tells one run of a request from another. */
export const RUN_HEADER = "rpc-run";
/** Header of a credit message: how many items may be sent in all. */
export const CREDIT_HEADER = "rpc-credit";
/**
 * Header of a request and of a credit message: with fewer bytes of items sent
 * in all, another item may be.
 */
export const CREDIT_BYTES_HEADER = "rpc-credit-bytes";
/** Header of a request: the correlation id of the progress messages. */
export const PROGRESS_HEADER = "rpc-progress";

/** The `type` of what is neither request nor reply. */
export const MESSAGE_TYPES = {
  /** Server to caller: the stream goes on, although no item comes. */
  alive: "alive",
  /** Server to caller: the stream ends well. */
  end: "end",
  /** Caller to server: more may be sent. */
  credit: "credit",
  /** Caller to server: no more is wanted. */
  cancel: "cancel",
  /** Server to caller: how far a call has come. */
  progress: "progress",
} as const;

/** Within so long of its last message a server tells that a stream lives. */
export const ALIVE_MS = 5_000;
/** A server that tells nothing for so long is lost; noticed within 15 s. */
export const SILENCE_MS = 14_000;

/** Of messages that say all in their properties. */
export const NO_BODY = new Uint8Array(0);
/** Of those that later ones make up for, or that are of no use if they fail. */
export const IGNORED: PublishListener = { confirmed() {}, failed() {} };

/**
 * Names that a broker gives to queues. To others no control message goes: who
 * sends to a callback queue must not choose where its owner writes.
 */
const CONTROL_QUEUE = /^amq\.gen-/;

/** How much may be sent; both count from the start of the stream. */
export interface Credit {
  /** Items. */
  readonly items: number;
  /** Bytes of item bodies; the item that exceeds them may still be sent. */
  readonly bytes: number;
}

/**
 * What the headers of a request say of a stream; undefined without one, and the
 * name of a header that makes no sense.
 */
export function requestedCredit(
  headers: MessageHeaders,
): Credit | string | undefined {
  if (headers[STREAM_HEADER] === undefined) return undefined;
  const items = countOf(headers[STREAM_HEADER]);
  if (!items) return STREAM_HEADER;
  const isLimited = headers[CREDIT_BYTES_HEADER] !== undefined;
  const bytes = isLimited ? countOf(headers[CREDIT_BYTES_HEADER]) : Infinity;
  return bytes ? { items, bytes } : CREDIT_BYTES_HEADER;
}

/** What a credit message grants; undefined if it makes no sense. */
export function grantedCredit(headers: MessageHeaders): Credit | undefined {
  const items = countOf(headers[CREDIT_HEADER]);
  return items === undefined ? undefined : { items, bytes: bytesOf(headers) };
}

/**
 * Whether it is too late to begin a stream. When the request comes again, it is
 * not: the stream may have begun in time.
 */
export function isTooLateToStart(
  { headers, redelivered }: Pick<RpcRequest, "headers" | "redelivered">,
  epochMs: number,
): boolean {
  if (redelivered) return false;
  return epochMs >= (countOf(headers[START_BY_HEADER]) ?? Infinity);
}

function bytesOf(headers: MessageHeaders): number {
  return countOf(headers[CREDIT_BYTES_HEADER]) ?? Infinity;
}

/** A header that is a whole number, 0 or more. */
export function countOf(value: unknown): number | undefined {
  const count = typeof value === "bigint" ? Number(value) : value;
  return Number.isSafeInteger(count) && count as number >= 0
    ? count as number
    : undefined;
}

/** Where and to what run control messages go. */
export interface Run {
  /** Tells it from other runs of the same request. */
  readonly id: string;
  /** The server's queue for control messages. */
  readonly controlQueue: string;
}

/** The run that a message introduces; undefined if it introduces none. */
export function runOf(
  { headers, replyTo }: MessageProperties,
): Run | undefined {
  const id = headers?.[RUN_HEADER];
  if (typeof id !== "string" || replyTo === undefined) return undefined;
  return CONTROL_QUEUE.test(replyTo)
    ? { id, controlQueue: replyTo }
    : undefined;
}

/** Whether it is a message from a caller to one run. */
export function isControl({ headers }: MessageProperties): boolean {
  return headers !== undefined && RUN_HEADER in headers;
}

/** More may be sent. */
export function creditMessage(
  correlationId: string,
  run: Run,
  { items, bytes }: Credit,
): MessageProperties {
  return {
    type: MESSAGE_TYPES.credit,
    correlationId,
    headers: {
      [RUN_HEADER]: run.id,
      [CREDIT_HEADER]: items,
      [CREDIT_BYTES_HEADER]: bytes,
    },
  };
}

/** No more is wanted of one run. */
export function cancelMessage(
  correlationId: string | undefined,
  { id }: Run,
): MessageProperties {
  const type = MESSAGE_TYPES.cancel;
  return { type, correlationId, headers: { [RUN_HEADER]: id } };
}

/** The stream goes on. */
export function aliveMessage(
  correlationId: string | undefined,
  run: Run,
): MessageProperties {
  return {
    type: MESSAGE_TYPES.alive,
    correlationId,
    replyTo: run.controlQueue,
    headers: { [RUN_HEADER]: run.id },
  };
}

/**
 * How far a call has come.
 *
 * @throws {TypeError} if JSON can't hold the value.
 */
export function progressMessage(
  correlationId: string,
  value: unknown,
): { body: string; properties: MessageProperties } {
  const properties = {
    type: MESSAGE_TYPES.progress,
    contentType: JSON_CONTENT_TYPE,
    correlationId,
  };
  return { body: encodeJson(value), properties };
}
