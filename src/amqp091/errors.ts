/**
 * The errors of AMQP 0-9-1: reply codes, RabbitMQ's names for them, and which
 * of them close a channel (soft) or the whole connection (hard).
 */

/** Reply codes by RabbitMQ's names for them. */
export const REPLY_CODES = {
  CONNECTION_FORCED: 320,
  ACCESS_REFUSED: 403,
  NOT_FOUND: 404,
  RESOURCE_LOCKED: 405,
  PRECONDITION_FAILED: 406,
  FRAME_ERROR: 501,
  SYNTAX_ERROR: 502,
  COMMAND_INVALID: 503,
  CHANNEL_ERROR: 504,
  UNEXPECTED_FRAME: 505,
  RESOURCE_ERROR: 506,
  NOT_ALLOWED: 530,
  NOT_IMPLEMENTED: 540,
  INTERNAL_ERROR: 541,
} as const;

/** Those that close a channel alone. */
const SOFT: readonly ReplyName[] = [
  "ACCESS_REFUSED",
  "NOT_FOUND",
  "RESOURCE_LOCKED",
  "PRECONDITION_FAILED",
];

/** The name of a reply code, as RabbitMQ writes it before the explanation. */
export type ReplyName = keyof typeof REPLY_CODES;

/** Something a client did that the protocol answers with a close method. */
export class AmqpError extends Error {
  /** The reply code, e.g. 404. */
  readonly code: number;
  /** Whether it closes the connection rather than the channel. */
  readonly hard: boolean;
  /** What goes on the wire: at most 255 bytes, as a short string must be. */
  readonly replyText: string;

  constructor(name: ReplyName, explanation: string) {
    const text = explanation === "" ? name : `${name} - ${explanation}`;
    super(text);
    this.name = "AmqpError";
    this.code = REPLY_CODES[name];
    this.hard = !SOFT.includes(name);
    this.replyText = text.length > 255 ? text.slice(0, 252) + "..." : text;
  }
}

/** The arguments of the close that tells of an error; 0 names no method. */
export function closing(
  { code, replyText }: AmqpError,
  method: number,
): { replyCode: number; replyText: string; classId: number; methodId: number } {
  return {
    replyCode: code,
    replyText,
    classId: method >>> 16,
    methodId: method & 0xffff,
  };
}

/** "queue 'q' in vhost '/'": how RabbitMQ names a thing in its reply texts. */
export function describe(
  kind: "queue" | "exchange",
  name: string,
  vhost: string,
): string {
  return `${kind} '${name}' in vhost '${vhost}'`;
}
