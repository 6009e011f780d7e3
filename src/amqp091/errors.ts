/**
 * The errors of AMQP 0-9-1: reply codes, RabbitMQ's names for them, and whether
 * they close a channel (soft) or the connection (hard).
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

/** A mistake that the protocol answers with a close method. */
export class AmqpError extends Error {
  /** The reply code, e.g. 404. */
  readonly code: number;
  /** Whether it closes the connection rather than the channel. */
  readonly hard: boolean;
  /** The text on the wire, cut to the 255 bytes of a short string. */
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

/**
 * The arguments of the close method that reports an error.
 *
 * @param method the id of the method that caused it; 0 for none
 */
export function closing({ code, replyText }: AmqpError, method: number): {
  replyCode: number;
  replyText: string;
  classId: number;
  methodId: number;
} {
  return {
    replyCode: code,
    replyText,
    classId: method >>> 16,
    methodId: method & 0xffff,
  };
}

/** "queue 'q' in vhost '/'", as RabbitMQ puts it in reply texts. */
export function describe(
  kind: "queue" | "exchange",
  name: string,
  vhost: string,
): string {
  return `${kind} '${name}' in vhost '${vhost}'`;
}
