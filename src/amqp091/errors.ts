/**
 * The errors of AMQP 0-9-1: reply codes, RabbitMQ's names for them, and whether
 * they close a channel (soft) or the connection (hard).
 */
const REPLIES = {
  ACCESS_REFUSED: { code: 403, hard: false },
  NOT_FOUND: { code: 404, hard: false },
  RESOURCE_LOCKED: { code: 405, hard: false },
  PRECONDITION_FAILED: { code: 406, hard: false },
  CONNECTION_FORCED: { code: 320, hard: true },
  FRAME_ERROR: { code: 501, hard: true },
  SYNTAX_ERROR: { code: 502, hard: true },
  COMMAND_INVALID: { code: 503, hard: true },
  CHANNEL_ERROR: { code: 504, hard: true },
  UNEXPECTED_FRAME: { code: 505, hard: true },
  RESOURCE_ERROR: { code: 506, hard: true },
  NOT_ALLOWED: { code: 530, hard: true },
  NOT_IMPLEMENTED: { code: 540, hard: true },
  INTERNAL_ERROR: { code: 541, hard: true },
} as const;

/** The name of a reply code, as RabbitMQ writes it before the explanation. */
export type ReplyName = keyof typeof REPLIES;

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
    this.code = REPLIES[name].code;
    this.hard = REPLIES[name].hard;
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
