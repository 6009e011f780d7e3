/** basic.publish, with returns and confirms. */
import type { Channel } from "./channel.ts";
import type { Published } from "./content.ts";
import { AmqpError, describe } from "../../amqp091/errors.ts";
import { REPLY_TO } from "../routing/direct_reply_to.ts";
import type { Exchange } from "../routing/exchange.ts";
import { copiesIn, editContent, type Message } from "../routing/message.ts";
import type { Arguments } from "../../amqp091/methods.ts";
import { headersOf, inspect, type Inspected } from "../routing/properties.ts";
import { ordered } from "../../amqp091/table.ts";

/** The reply code of a message that no queue took. */
const NO_ROUTE = 312;
const MAX_EXPIRY_MS = 315_360_000_000;

/** Awaits the content of a message; `publish` follows. */
export function startPublish(
  channel: Channel,
  method: Arguments<"basic.publish">,
): void {
  channel.content.start(method);
}

/** Publishes a message whose content is complete. */
export function publish(channel: Channel, published: Published): void {
  const { method } = published;
  if (method.immediate) {
    throw new AmqpError("NOT_IMPLEMENTED", "immediate=true");
  }
  channel.access.check("write", "exchange", method.exchange);
  const exchange = channel.vhost.exchange(method.exchange);
  if (exchange.options.internal) {
    const what = describe("exchange", exchange.name, channel.vhost.name);
    throw new AmqpError("ACCESS_REFUSED", `cannot publish to internal ${what}`);
  }
  const message = toMessage(channel, published);
  const { transaction, confirms } = channel;
  const send = () => deliver(channel, exchange, message, method.mandatory);
  if (transaction !== undefined) {
    transaction.publish(send);
    return;
  }
  if (!confirms.enabled) {
    send();
    return;
  }
  confirms.settle(!channel.connection.faults.nacks(method) && send());
}

/** Puts a message into its queues, or returns it; false if one refused it. */
function deliver(
  channel: Channel,
  exchange: Exchange,
  message: Message,
  mandatory: boolean,
): boolean {
  const queues = channel.vhost.route(exchange, message);
  if (queues.length === 0 && mandatory && channel.vhost.returns(message)) {
    channel.send("basic.return", {
      replyCode: NO_ROUTE,
      replyText: "NO_ROUTE",
      exchange: message.exchange,
      routingKey: message.routingKey,
    });
    channel.sendContent(message);
    channel.connection.outgoing.schedule();
  }
  let accepted = true;
  for (const queue of queues) accepted = queue.publish(message) && accepted;
  return accepted;
}

function toMessage(channel: Channel, published: Published): Message {
  const { method } = published;
  let { content, bodyStart } = published;
  const inspected = inspect(content.subarray(0, bodyStart));
  checkUser(channel, inspected);
  const expirationMs = parseExpiration(inspected.expiration);
  if (inspected.replyTo === REPLY_TO) {
    if (channel.reply === undefined) {
      throw new AmqpError(
        "PRECONDITION_FAILED",
        "fast reply consumer does not exist",
      );
    }
    const { name: replyTo } = channel.reply;
    ({ content, bodyStart } = editContent(content, bodyStart, { replyTo }));
  }
  let copies: readonly string[] | undefined;
  if (inspected.hasCopies) {
    const table = headersOf(content.subarray(0, bodyStart));
    copies = [...copiesIn(table, "CC"), ...copiesIn(table, "BCC")];
    const headers = table.filter(([key]) => key !== "BCC");
    if (headers.length < table.length) {
      ({ content, bodyStart } = editContent(content, bodyStart, { headers }));
    }
  }
  if (inspected.unordered && channel.vhost.behavior.ordersHeaders) {
    const headers = ordered(headersOf(content.subarray(0, bodyStart)));
    ({ content, bodyStart } = editContent(content, bodyStart, { headers }));
  }
  return {
    exchange: method.exchange,
    routingKey: method.routingKey,
    content,
    bodyStart,
    priority: inspected.priority,
    expirationMs,
    copies,
    died: false,
  };
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

/** confirm.select */
export function confirmSelect(
  channel: Channel,
  { noWait }: Arguments<"confirm.select">,
): void {
  if (channel.transaction !== undefined) {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      "cannot switch from tx to confirm mode",
    );
  }
  channel.confirms.enabled = true;
  if (!noWait) channel.send("confirm.select-ok");
}
