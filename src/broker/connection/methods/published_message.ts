/** Makes a message of what a client published. */
import type { Channel } from "../channel.ts";
import type { Published } from "../content.ts";
import { REPLY_TO } from "../../routing/direct_reply_to.ts";
import { AmqpError } from "../../../amqp091/errors.ts";
import { copiesIn, editContent, type Message } from "../../routing/message.ts";
import {
  type Edits,
  headersOf,
  inspect,
  type Inspected,
} from "../../routing/properties.ts";
import { ordered } from "../../../amqp091/table.ts";

/** Ten years, the longest time that RabbitMQ accepts. */
const MAX_EXPIRY_MS = 315_360_000_000;

/** @throws {AmqpError} 406 or 502 if its properties are wrong. */
export function toMessage(channel: Channel, published: Published): Message {
  const { method, bodyStart, content } = published;
  const properties = content.subarray(0, bodyStart);
  const inspected = inspect(properties);
  checkUser(channel, inspected);
  const expirationMs = parseExpiration(inspected.expiration);
  let edits: Edits | undefined;
  if (inspected.replyTo === REPLY_TO) edits = { replyTo: replyName(channel) };
  let copies: readonly string[] | undefined;
  if (inspected.hasCopies) {
    const table = headersOf(properties);
    copies = [...copiesIn(table, "CC"), ...copiesIn(table, "BCC")];
    const headers = table.filter(([key]) => key !== "BCC");
    if (headers.length < table.length) edits = { ...edits, headers };
  }
  if (inspected.unordered && channel.vhost.behavior.ordersHeaders) {
    const headers = ordered(edits?.headers ?? headersOf(properties));
    edits = { ...edits, headers };
  }
  const edited = edits && editContent(content, bodyStart, edits);
  return {
    exchange: method.exchange,
    routingKey: method.routingKey,
    content: edited?.content ?? content,
    bodyStart: edited?.bodyStart ?? bodyStart,
    priority: inspected.priority,
    expirationMs,
    copies,
    died: false,
  };
}

/** The name to send replies to, for a request with "amq.rabbitmq.reply-to". */
function replyName({ reply }: Channel): string {
  if (reply !== undefined) return reply.name;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    "fast reply consumer does not exist",
  );
}

function checkUser(channel: Channel, { userId }: Inspected): void {
  if (userId === undefined || userId === channel.access.user) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `user_id property set to '${userId}' but authenticated user was '${channel.access.user}'`,
  );
}

/**
 * The expiration in ms.
 *
 * @throws {AmqpError} 406, in RabbitMQ's words, if it is malformed.
 */
function parseExpiration(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const fail = (why: string) =>
    new AmqpError(
      "PRECONDITION_FAILED",
      `invalid expiration '${text}': ${why}`,
    );
  const [, number, rest] = /^([+-]?\d+)?(.*)$/s.exec(text) ?? [];
  if (number === undefined) throw fail("no_integer");
  if (rest !== "") throw fail(`{leftover_string,"${rest}"}`);
  const value = Number(number);
  if (value < 0) throw fail(`{value_negative,${value}}`);
  if (value > MAX_EXPIRY_MS) throw fail(`{value_too_large,${value}}`);
  return value;
}
