/** basic.publish, with returns and confirms. */
import type { Channel } from "../channel.ts";
import type { Published } from "../content.ts";
import { AmqpError, describe } from "../../../amqp091/errors.ts";
import type { Exchange } from "../../routing/exchange.ts";
import type { Message } from "../../routing/message.ts";
import type { Arguments } from "../../../amqp091/methods.ts";
import { toMessage } from "./published_message.ts";

/** The reply code of a message that no queue took. */
const NO_ROUTE = 312;

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
