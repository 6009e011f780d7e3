/**
 * What a server runs: a procedure gets a request and a context and returns
 * the reply.
 *
 * @module
 */
import type { MessageData, MessageHeaders, RpcRequest } from "./messages.ts";

/** What a procedure may know and use while it runs. */
export interface RpcContext {
  /** Aborted when the time is up or the server stops at once. */
  readonly signal: AbortSignal;
  /**
   * The handler's limit or the caller's deadline, whichever is earlier; in ms
   * since the epoch, by the wall clock as it is when this is read. So
   * `deadlineMs - Date.now()` is the time left, even if the clock was set
   * meanwhile. In a stream it is the caller's deadline, Infinity if there is
   * none: the handler's limit is the time to the next item there.
   */
  readonly deadlineMs: number;
  /** The request that is answered. */
  readonly request: RpcRequest;
  /**
   * Tells the caller how far the procedure has come, if the caller asked for
   * that (`onProgress`); does nothing otherwise, and after the reply. Any value
   * that JSON can hold; by convention an object with `done`, `total` and `note`,
   * of which each may be missing. All progress comes before the reply. Where it
   * is told faster than the broker takes it, the newest value counts.
   *
   * @throws {TypeError} if JSON can't hold the value.
   */
  progress(value: unknown): void;
}

/**
 * What a call may send, as {@linkcode RpcResult} is what a procedure may return:
 *
 * - text or bytes (in any form), sent as they are, without a MIME type unless
 *   the option `contentType` gives one; so a string is text, never JSON in
 *   quotes, and bytes are never an array of numbers
 * - nothing (undefined): an empty body
 * - anything else that JSON can hold (objects, arrays, numbers, booleans,
 *   null), sent as JSON with the MIME type `application/json`, unless the
 *   option `contentType` gives another. As with `JSON.stringify`, `toJSON` is
 *   obeyed and members that are undefined are left out; what it would lose
 *   silently (NaN, functions, a Map) is a `TypeError` instead.
 *
 * An object is always JSON, even one with a `body`: the other properties of a
 * request are options of the call. The type is wide, since an interface is not
 * assignable to a type of JSON values.
 */
export type RpcArgument =
  | MessageData
  | object
  | number
  | boolean
  | null
  | undefined;

/**
 * A reply with properties of its own. An object counts as one if its `body`
 * is text or bytes and it has no other members than these four; any other
 * object is a JSON value. (To send the JSON of such an object, make it the
 * body: `{ body: JSON.stringify(it), contentType: "application/json" }`.)
 */
export interface ReplyInit {
  /** The body, sent as it is. */
  body: MessageData;
  /** Headers of the reply; `CC` and `BCC` are not among them. */
  headers?: MessageHeaders;
  /** MIME type of the body. */
  contentType?: string;
  /** Encoding of the body, `gzip` for example; the body is sent as it is. */
  contentEncoding?: string;
}

/**
 * What a procedure may return:
 *
 * - text or bytes (in any form: a typed array, an `ArrayBuffer`, a `DataView`),
 *   sent as they are; nothing (undefined) is an empty reply
 * - a {@linkcode ReplyInit}: a body with headers or a MIME type
 * - a web `Response`: its body, MIME type and headers; a status other than
 *   200 to 299 is an error reply, a 404 for example `not_found`
 * - an `AsyncIterable`, as an `async function*` makes it, or a `ReadableStream`:
 *   a stream, each item one of the values above. Who called `stream()` gets the
 *   items as they come (and the body of a `Response` piece by piece); others get
 *   one reply, with text and bytes joined, and JSON values as an array.
 * - anything else that JSON can hold, sent as JSON with the MIME type
 *   `application/json`. As with `JSON.stringify`, `toJSON` is obeyed and
 *   members that are undefined are left out; what it would lose silently (NaN,
 *   functions, a Map) is an `internal` error instead. The type is wide, since
 *   an interface is not assignable to a type of JSON values.
 */
export type RpcResult =
  | MessageData
  | ReplyInit
  | Response
  | AsyncIterable<unknown>
  | object
  | number
  | boolean
  | null
  | undefined
  | void;

/**
 * A procedure. What it throws becomes an error reply: an `RpcError` as it is,
 * anything else as `internal` with its message.
 *
 * @example
 * ```ts
 * import { type Procedure, RpcError } from "@rabbit-rpc/rabbit-rpc";
 *
 * const half: Procedure = (request) => {
 *   const n = Number(request.text());
 *   if (Number.isNaN(n)) {
 *     throw new RpcError("invalid_argument", "half wants a number");
 *   }
 *   return String(n / 2);
 * };
 * ```
 */
export type Procedure = (
  request: RpcRequest,
  context: RpcContext,
) => RpcResult | PromiseLike<RpcResult>;
