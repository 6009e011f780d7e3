/**
 * Messages: their properties and bodies, requests as a procedure sees them, and
 * replies as a caller does.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type Bytes, bytesOf, isBytes, unsharedBytes } from "./bytes.ts";
import { kindOf } from "./texts.ts";

const decoder = new TextDecoder();

/**
 * The properties of a message, all optional. RabbitMQ hands on text that is not
 * UTF-8: a byte of such text is a lone surrogate here, from U+DC80 (0x80) to
 * U+DCFF (0xff), and becomes that byte again when it is sent. So ids of any
 * bytes are copied as they are; `isWellFormed()` of a string recognizes them.
 */
export interface MessageProperties {
  /** MIME type of the body. */
  contentType?: string;
  /** Encoding of the body, `gzip` for example. */
  contentEncoding?: string;
  /**
   * Headers: strings, numbers, booleans, dates, bytes, arrays, tables. Integers
   * of 64 bits are numbers if those are exact, and bigints beyond 2^53; a
   * bigint is sent as an integer of 64 bits with a sign.
   */
  headers?: MessageHeaders;
  /** 1 transient, 2 persistent. */
  deliveryMode?: number;
  /** 0 to 255. */
  priority?: number;
  /** Joins a reply to its request. */
  correlationId?: string;
  /** The queue that a reply goes to. */
  replyTo?: string;
  /** How long the message may wait in a queue, in ms, as a decimal string. */
  expiration?: string;
  /** The same for all attempts of one call. */
  messageId?: string;
  /** When the message was made. */
  timestamp?: Date;
  /** The method of a request; `error` on an error reply. */
  type?: string;
  /** The broker checks it against the login. */
  userId?: string;
  /** The program that sent it. */
  appId?: string;
}

/** One value of a header table. */
export type HeaderValue =
  | string
  | boolean
  | bigint
  | number
  | undefined
  | null
  | object;

/** A header table. */
export type MessageHeaders = Record<string, HeaderValue>;

/**
 * The body of a message where it came to, in a buffer that others may share:
 * for what is sent on as it is.
 */
export let sharedBytes: (message: MessageBody) => Uint8Array;

/** The body of a message, with the usual ways to read it. */
export class MessageBody {
  #bytes: Uint8Array;

  static {
    sharedBytes = (message) => message.#bytes;
  }

  /** Wraps the bytes, without a copy. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The body as it came, in a buffer of its own. */
  get bytes(): Uint8Array {
    // Small bodies share one: most are read as text, and need none.
    return this.#bytes = unsharedBytes(this.#bytes);
  }

  /** The size of the body, in bytes. */
  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** The body as UTF-8 text; bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return decoder.decode(this.#bytes);
  }

  /**
   * The body parsed as JSON.
   *
   * @throws {SyntaxError} if it is not JSON.
   */
  json(): unknown {
    return JSON.parse(this.text());
  }
}

/** A request, as a procedure sees it. */
export class RpcRequest extends MessageBody {
  /** The queue it came from. */
  readonly queue: string;
  /** The method, if a server offers several; else an empty string. */
  readonly type: string;
  /** MIME type of the body, if the caller gave one. */
  readonly contentType: string | undefined;
  /** Encoding of the body (`gzip`, say), if the caller gave one. */
  readonly contentEncoding: string | undefined;
  /** Headers, the `rpc-` ones of the wire format included. */
  readonly headers: MessageHeaders;
  /**
   * Joins the reply to the request; the caller's choice. Bytes of it that are
   * not UTF-8 are lone surrogates from U+DC80 to U+DCFF, as in all properties.
   */
  readonly correlationId: string | undefined;
  /** The same for all attempts of one call, if retries are on. */
  readonly messageId: string | undefined;
  /** Where the reply goes; undefined for a one-way request. */
  readonly replyTo: string | undefined;
  /** Whether the broker delivered it before, to anyone. */
  readonly redelivered: boolean;
  /**
   * From 0 to 255; of the requests that wait in a server, the highest starts
   * first.
   */
  readonly priority: number | undefined;
  /** The caller's login, checked by RabbitMQ. */
  readonly userId: string | undefined;
  /** The program that sent it, as that program says. */
  readonly appId: string | undefined;
  /** When it was made, to the second, as the caller says. */
  readonly timestamp: Date | undefined;
  /**
   * When the caller stops waiting, in ms since the epoch, by the wall clock as
   * it was when the request came. Infinity if the caller set no deadline.
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

/** A reply, as a caller sees it. */
export class RpcReply extends MessageBody {
  /** Headers of the reply. */
  readonly headers: MessageHeaders;
  /** MIME type of the body, if the server gave one. */
  readonly contentType: string | undefined;
  /** Encoding of the body (`gzip`, say), if the server gave one. */
  readonly contentEncoding: string | undefined;

  /** Made by the wire format alone. */
  constructor(
    body: Uint8Array,
    headers: MessageHeaders,
    contentType: string | undefined,
    contentEncoding?: string,
  ) {
    super(body);
    this.headers = headers;
    this.contentType = contentType;
    this.contentEncoding = contentEncoding;
  }
}

/** A body: text (sent as UTF-8), or bytes in any form that JavaScript has. */
export type MessageData = string | Bytes;

/**
 * Text as UTF-8, bytes as they are.
 *
 * @throws {TypeError} for anything else that plain JavaScript hands in.
 */
export function toBytes(body: MessageData): Uint8Array {
  if (typeof body === "string") return encodeText(body);
  if (isBytes(body)) return bytesOf(body);
  throw new TypeError(
    `a body must be text or bytes, got ${kindOf(body)}; ` +
      "JSON.stringify() makes text of it",
  );
}

/** In the memory that short buffers share: to allocate it costs far more. */
function encodeText(text: string): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(text);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A body in the two forms that interceptors know. */
export function textOrBytes(body: MessageData): string | Uint8Array {
  return typeof body === "string" ? body : toBytes(body);
}
