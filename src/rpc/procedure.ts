/**
 * What a server runs: a procedure gets a request and a context and returns
 * the reply.
 *
 * @module
 */
import { type Bytes, bytesOf, isBytes } from "./bytes.ts";
import { kindOf } from "./texts.ts";
import type { MessageHeaders } from "./transport.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The body of a message, with the usual ways to read it. */
export class MessageBody {
  /** The body as it came. */
  readonly bytes: Uint8Array;

  /** Wraps the bytes, without a copy. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The body as UTF-8 text; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return decoder.decode(this.bytes);
  }

  /**
   * The body parsed as JSON.
   *
   * @throws {SyntaxError} where it is not JSON.
   */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/** A request, as a procedure sees it. */
export class RpcRequest extends MessageBody {
  /** The queue it came from. */
  readonly queue: string;
  /** The method, where a server offers several; else an empty string. */
  readonly type: string;
  /** MIME type of the body, where the caller told it. */
  readonly contentType: string | undefined;
  /** Encoding of the body (`gzip`, say), where the caller told it. */
  readonly contentEncoding: string | undefined;
  /** Headers, the `rpc-` ones of the wire format included. */
  readonly headers: MessageHeaders;
  /**
   * Joins the reply to the request; the caller's choice. Bytes of it that are
   * not UTF-8 are lone surrogates from U+DC80 to U+DCFF, as in all properties.
   */
  readonly correlationId: string | undefined;
  /** The same for all attempts of one call, where retries are on. */
  readonly messageId: string | undefined;
  /** Where the reply goes; undefined for a one-way request. */
  readonly replyTo: string | undefined;
  /** Whether the broker delivered it before, to anyone. */
  readonly redelivered: boolean;
  /** From 0 to 255; what waits in a server is started by it, highest first. */
  readonly priority: number | undefined;
  /** The caller's login; RabbitMQ lets nobody give another's. */
  readonly userId: string | undefined;
  /** The program that sent it, by its own account. */
  readonly appId: string | undefined;
  /** When it was made, to the second, by the caller's own account. */
  readonly timestamp: Date | undefined;
  /**
   * Nobody awaits a reply after it; in ms since the epoch, by the wall clock
   * as it was when the request came. Infinity where the caller set none.
   */
  readonly deadlineMs: number;

  /** Made by the wire format alone. */
  constructor(body: Uint8Array, fields: Omit<RpcRequest, keyof MessageBody>) {
    super(body);
    this.queue = fields.queue;
    this.type = fields.type;
    this.contentType = fields.contentType;
    this.contentEncoding = fields.contentEncoding;
    this.headers = fields.headers;
    this.correlationId = fields.correlationId;
    this.messageId = fields.messageId;
    this.replyTo = fields.replyTo;
    this.redelivered = fields.redelivered;
    this.priority = fields.priority;
    this.userId = fields.userId;
    this.appId = fields.appId;
    this.timestamp = fields.timestamp;
    this.deadlineMs = fields.deadlineMs;
  }
}

/** What a procedure may know and use while it runs. */
export interface RpcContext {
  /** Aborted when the time is up or the server stops at once. */
  readonly signal: AbortSignal;
  /**
   * The handler's limit or the caller's deadline, whichever is earlier; in ms
   * since the epoch, by the wall clock as it is when this is read. So
   * `deadlineMs - Date.now()` is the time left even after the clock was set.
   */
  readonly deadlineMs: number;
}

/** A body: text (sent as UTF-8), or bytes in any form that JavaScript has. */
export type MessageData = string | Bytes;

/**
 * A reply with properties of its own. An object counts as one where its `body`
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
 * - anything else that JSON can hold, sent as JSON with the MIME type
 *   `application/json`. As with `JSON.stringify`, `toJSON` is obeyed and
 *   members that are undefined are left out; what it would lose without a word
 *   (NaN, functions, a Map) is an `internal` error instead. The type is wide,
 *   since an interface is not assignable to a type of JSON values.
 */
export type RpcResult =
  | MessageData
  | ReplyInit
  | Response
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

/**
 * Text as UTF-8, bytes as they are.
 *
 * @throws {TypeError} for anything else that plain JavaScript hands in.
 */
export function toBytes(body: MessageData): Uint8Array {
  if (typeof body === "string") return encoder.encode(body);
  if (isBytes(body)) return bytesOf(body);
  throw new TypeError(
    `a body must be text or bytes, got ${kindOf(body)}; ` +
      "JSON.stringify() makes text of it",
  );
}

/** A body in the two forms that interceptors know. */
export function textOrBytes(body: MessageData): string | Uint8Array {
  return typeof body === "string" ? body : toBytes(body);
}
