/** basic.qos, consume, cancel and get. */
import type { Channel } from "../channel.ts";
import { ChannelConsumer } from "../consumer.ts";
import { REPLY_TO } from "../../routing/direct_reply_to.ts";
import { AmqpError } from "../../../amqp091/errors.ts";
import type { Arguments } from "../../../amqp091/methods.ts";
import { generateName } from "../../routing/generated_names.ts";
import { ownQueue, queueName } from "./names.ts";
import type { Queue } from "../../routing/queue.ts";
import {
  askedPriority,
  askedTimeoutMs,
} from "../../routing/queue_arguments.ts";

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
    // As in RabbitMQ, a limit per consumer ends one for the channel.
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
  const consumer = newConsumer(channel, queue, args);
  const { tag } = consumer;
  queue.addConsumer(consumer);
  channel.consumers.set(tag, consumer);
  if (!args.noWait) channel.send("basic.consume-ok", { consumerTag: tag });
  queue.pump();
}

function newConsumer(
  channel: Channel,
  queue: Queue,
  args: Arguments<"basic.consume">,
): ChannelConsumer {
  const what = `${queue}`;
  const { isQuorum } = queue.settings;
  const { behavior } = channel.vhost;
  return new ChannelConsumer(queue, channel, {
    tag: args.consumerTag || generateName("amq.ctag-"),
    noAck: args.noAck,
    exclusive: args.exclusive,
    prefetch: channel.prefetch,
    priority: askedPriority(args.arguments, what),
    timeoutMs: askedTimeoutMs(args.arguments, what, isQuorum, behavior),
  });
}

function consumeReplies(
  channel: Channel,
  args: Arguments<"basic.consume">,
): void {
  const refuse = (why: string) => new AmqpError("PRECONDITION_FAILED", why);
  if (!args.noAck) throw refuse("reply consumer cannot acknowledge");
  if (channel.reply) throw refuse("reply consumer already set");
  const tag = args.consumerTag || generateName("amq.ctag-");
  const { replyConsumers } = channel.vhost;
  channel.reply = { tag, name: replyConsumers.add(channel, channel.number) };
  if (!args.noWait) channel.send("basic.consume-ok", { consumerTag: tag });
}

/** basic.cancel; an unknown tag is not an error. */
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
