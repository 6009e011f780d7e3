/** basic.ack, nack, reject and recover, and tx.*: how deliveries are settled. */
import type { Channel } from "../channel.ts";
import { AmqpError } from "../../../amqp091/errors.ts";
import type { Arguments } from "../../../amqp091/methods.ts";
import { type Settlement, Transaction } from "../transaction.ts";
import type { Delivery } from "../unacked.ts";

/** basic.ack */
export function ack(channel: Channel, args: Arguments<"basic.ack">): void {
  settleTag(channel, "ack", args.deliveryTag, args.multiple);
}

/** basic.nack */
export function nack(channel: Channel, args: Arguments<"basic.nack">): void {
  const how = args.requeue ? putBackBy(channel) : "reject";
  settleTag(channel, how, args.deliveryTag, args.multiple);
}

/** basic.reject, which always counts as a failed delivery. */
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
  settle(channel, putBackBy(channel), channel.unacked.takeAll());
}

/** basic.recover */
export function recover(
  channel: Channel,
  args: Arguments<"basic.recover">,
): void {
  recoverAsync(channel, args);
  channel.send("basic.recover-ok");
}

/** Whether basic.nack and recover count as failed deliveries. */
function putBackBy(channel: Channel): Settlement {
  return channel.vhost.behavior.countsNacks ? "requeue" : "release";
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

function settle(
  channel: Channel,
  how: Settlement,
  deliveries: readonly Delivery[],
): void {
  if (how === "requeue" || how === "release") {
    channel.requeue(deliveries, how === "requeue");
    return;
  }
  for (const delivery of deliveries) {
    if (how === "reject") delivery.reject();
    else delivery.ack();
  }
  channel.released(deliveries);
}

/** tx.select */
export function txSelect(channel: Channel): void {
  if (channel.confirms.enabled) {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      "cannot switch from confirm to tx mode",
    );
  }
  channel.transaction ??= new Transaction();
  channel.send("tx.select-ok");
}

/** tx.commit */
export function txCommit(channel: Channel): void {
  const { publishes, settlements } = transactionOf(channel).take();
  const refused = publishes.filter((publish) => !publish()).length;
  for (const { how, deliveries } of settlements) {
    settle(channel, how, deliveries);
  }
  if (refused > 0) {
    throw new AmqpError("PRECONDITION_FAILED", "partial tx completion");
  }
  channel.send("tx.commit-ok");
}

/** tx.rollback */
export function txRollback(channel: Channel): void {
  transactionOf(channel);
  channel.rollback();
  channel.send("tx.rollback-ok");
}

function transactionOf(channel: Channel): Transaction {
  if (channel.transaction !== undefined) return channel.transaction;
  throw new AmqpError("PRECONDITION_FAILED", "channel is not transactional");
}
