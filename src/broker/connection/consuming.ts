/** basic.qos, consume, cancel and get, and how deliveries are settled. */
import type { Channel } from "./channel.ts";
import { Consumer } from "../routing/consumer.ts";
import { AmqpError } from "../../amqp091/errors.ts";
import type { Arguments } from "../../amqp091/methods.ts";
import { generateName, ownQueue, queueName } from "./names.ts";
import { askedPriority, askedTimeoutMs } from "../routing/queue_arguments.ts";
import { settle, type Settlement } from "./transaction.ts";
import { REPLY_TO, replyKey } from "../routing/vhost.ts";

/** basic.qos */
export function qos(channel: Channel, args: Arguments<"basic.qos">): void {
  if (args.prefetchSize !== 0) {
    throw new AmqpError(
      "NOT_IMPLEMENTED",
      `prefetch_size!=0 (${args.prefetchSize})`,
    );
  }
  const { globalQos } = channel.vhost.behavior;
  if (args.global && globalQos) channel.globalPrefetch = args.prefetchCount;
  else {
    channel.prefetch = args.prefetchCount;
    // As in RabbitMQ, the newer kind of limit ends the older one.
    channel.globalPrefetch = 0;
  }
  channel.send("basic.qos-ok");
  channel.wakeAll();
}

/** basic.consume */
export function consume(
  channel: Channel,
  args: Arguments<"basic.consume">,
): void {
  if (channel.consumers.has(args.consumerTag)) {
    throw new AmqpError(
      "NOT_ALLOWED",
      `attempt to reuse consumer tag '${args.consumerTag}'`,
    );
  }
  if (args.queue === REPLY_TO) {
    consumeReplies(channel, args);
    return;
  }
  const name = queueName(channel, args.queue);
  channel.access.check("read", "queue", name);
  const queue = ownQueue(channel, name);
  if (queue.settings.isQuorum && channel.globalPrefetch > 0) {
    throw new AmqpError(
      "NOT_IMPLEMENTED",
      `${queue} does not support global qos`,
    );
  }
  const tag = args.consumerTag || generateName("amq.ctag-");
  const consumer = new Consumer(queue, channel, {
    tag,
    noAck: args.noAck,
    exclusive: args.exclusive,
    prefetch: channel.prefetch,
    priority: askedPriority(args.arguments, `${queue}`),
    timeoutMs: askedTimeoutMs(
      args.arguments,
      `${queue}`,
      queue.settings.isQuorum,
      channel.vhost.behavior,
    ),
  });
  queue.addConsumer(consumer);
  channel.consumers.set(tag, consumer);
  if (!args.noWait) channel.send("basic.consume-ok", { consumerTag: tag });
  queue.pump();
}

function consumeReplies(
  channel: Channel,
  args: Arguments<"basic.consume">,
): void {
  const refuse = (why: string) => new AmqpError("PRECONDITION_FAILED", why);
  if (!args.noAck) throw refuse("reply consumer cannot acknowledge");
  if (channel.reply) throw refuse("reply consumer already set");
  const tag = args.consumerTag || generateName("amq.ctag-");
  const key = replyKey(channel.number);
  channel.reply = { tag, key };
  channel.vhost.addReplyConsumer(key, channel);
  if (!args.noWait) channel.send("basic.consume-ok", { consumerTag: tag });
}

/** basic.cancel; a tag that is not there is no error. */
export function cancel(
  channel: Channel,
  args: Arguments<"basic.cancel">,
): void {
  const { consumerTag } = args;
  if (channel.reply?.tag === consumerTag) channel.endReplies();
  const consumer = channel.consumers.get(consumerTag);
  if (consumer !== undefined) {
    channel.consumers.delete(consumerTag);
    consumer.queue.removeConsumer(consumer);
  }
  if (!args.noWait) channel.send("basic.cancel-ok", { consumerTag });
}

/** basic.get */
export function get(channel: Channel, args: Arguments<"basic.get">): void {
  const name = queueName(channel, args.queue);
  channel.access.check("read", "queue", name);
  const queue = ownQueue(channel, name);
  const entry = queue.get();
  if (entry === undefined) {
    channel.send("basic.get-empty");
    return;
  }
  const deliveryTag = args.noAck
    ? channel.untracked()
    : channel.track(entry, queue);
  const message = queue.deliverable(entry);
  channel.send("basic.get-ok", {
    deliveryTag,
    redelivered: entry.redelivered,
    exchange: message.exchange,
    routingKey: message.routingKey,
    messageCount: queue.ready,
  });
  channel.sendContent(message);
}

function settleTag(
  channel: Channel,
  how: Settlement,
  tag: number,
  multiple: boolean,
): void {
  const deliveries = channel.unacked.take(tag, multiple);
  if (channel.transaction === undefined) settle(channel, how, deliveries);
  else channel.transaction.settle(how, deliveries);
}

/** basic.ack */
export function ack(channel: Channel, args: Arguments<"basic.ack">): void {
  settleTag(channel, "ack", args.deliveryTag, args.multiple);
}

/** How basic.nack and recover put back, while basic.reject always counts. */
function givenBack(channel: Channel): "requeue" | "release" {
  return channel.vhost.behavior.countsNacks ? "requeue" : "release";
}

/** basic.nack */
export function nack(channel: Channel, args: Arguments<"basic.nack">): void {
  const how = args.requeue ? givenBack(channel) : "reject";
  settleTag(channel, how, args.deliveryTag, args.multiple);
}

/** basic.reject */
export function reject(
  channel: Channel,
  args: Arguments<"basic.reject">,
): void {
  const how = args.requeue ? "requeue" : "reject";
  settleTag(channel, how, args.deliveryTag, false);
}

/** basic.recover-async */
export function recoverAsync(
  channel: Channel,
  args: Arguments<"basic.recover-async">,
): void {
  if (!args.requeue) throw new AmqpError("NOT_IMPLEMENTED", "requeue=false");
  settle(channel, givenBack(channel), channel.unacked.takeAll());
}

/** basic.recover */
export function recover(
  channel: Channel,
  args: Arguments<"basic.recover">,
): void {
  recoverAsync(channel, args);
  channel.send("basic.recover-ok");
}
