/** exchange.* and queue.*: declaring, purging, deleting. */
import type { Channel } from "./channel.ts";
import { AmqpError, describe } from "../../amqp091/errors.ts";
import { Exchange, isExchangeType } from "../routing/exchange.ts";
import type { Arguments } from "../../amqp091/methods.ts";
import type { Queue } from "../routing/queue.ts";
import {
  checkNotDefault,
  checkOwner,
  checkReserved,
  clean,
  generateName,
  isSystemExchange,
  ownQueue,
  queueName,
} from "./names.ts";
import {
  assertSame,
  assertSameArguments,
  assertSameFields,
  checkArguments,
  withType,
} from "../routing/queue_arguments.ts";
import { asString, lookup, type Table, typeName } from "../../amqp091/table.ts";
import { REPLY_TO } from "../routing/vhost.ts";

const ALTERNATE = "alternate-exchange";

/** exchange.declare */
export function exchangeDeclare(
  channel: Channel,
  args: Arguments<"exchange.declare">,
): void {
  const name = clean(args.exchange);
  if (args.passive) {
    checkNotDefault(name);
    channel.access.checkPassive("exchange", name);
    channel.vhost.exchange(name);
  } else declareExchange(channel, name, args);
  if (!args.noWait) channel.send("exchange.declare-ok");
}

function declareExchange(
  channel: Channel,
  name: string,
  args: Arguments<"exchange.declare">,
): void {
  const { type, arguments: table } = args;
  if (!isExchangeType(type)) throw unknownType(channel, type);
  checkNotDefault(name);
  channel.access.check("configure", "exchange", name);
  const what = describe("exchange", name, channel.vhost.name);
  const exchange = channel.vhost.findExchange(name);
  if (exchange === undefined) {
    checkReserved("exchange", name);
    const alternate = exchangeNamed(table, ALTERNATE, what);
    if (alternate !== undefined) {
      channel.access.check("read", "exchange", name);
      channel.access.check("write", "exchange", alternate);
    }
    const { durable, autoDelete, internal } = args;
    const options = { type, durable, autoDelete, internal, args: table };
    channel.vhost.addExchange(new Exchange(name, options));
    return;
  }
  const { options } = exchange;
  assertSame(what, "type", type, options.type);
  assertSame(what, "durable", args.durable, options.durable);
  assertSame(what, "auto_delete", args.autoDelete, options.autoDelete);
  assertSame(what, "internal", args.internal, options.internal);
  assertSameFields(what, [ALTERNATE], table, options.args);
}

function unknownType(channel: Channel, type: string): AmqpError {
  const { unknownExchangeTypeIsHard } = channel.vhost.behavior;
  return new AmqpError(
    unknownExchangeTypeIsHard ? "COMMAND_INVALID" : "PRECONDITION_FAILED",
    `unknown exchange type '${type}'`,
  );
}

/** The exchange that an argument of a declaration names, if it is there. */
function exchangeNamed(
  table: Table,
  key: string,
  what: string,
): string | undefined {
  const field = lookup(table, key);
  if (field === undefined || field.tag === "S") return asString(field);
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `invalid type '${typeName(field)}' for arg '${key}' in ${what}`,
  );
}

/** exchange.delete; one that is not there is no error. */
export function exchangeDelete(
  channel: Channel,
  args: Arguments<"exchange.delete">,
): void {
  const name = clean(args.exchange);
  const what = describe("exchange", name, channel.vhost.name);
  checkNotDefault(name);
  if (isSystemExchange(name)) {
    throw new AmqpError(
      "ACCESS_REFUSED",
      `deletion of system ${what} not allowed`,
    );
  }
  channel.access.check("configure", "exchange", name);
  const exchange = channel.vhost.findExchange(name);
  if (exchange !== undefined) {
    if (args.ifUnused && exchange.used) {
      throw new AmqpError("PRECONDITION_FAILED", `${what} in use`);
    }
    channel.vhost.deleteExchange(exchange);
  }
  if (!args.noWait) channel.send("exchange.delete-ok");
}

/** queue.declare */
export function queueDeclare(
  channel: Channel,
  args: Arguments<"queue.declare">,
): void {
  const name = clean(args.queue);
  if (name.startsWith(REPLY_TO)) {
    declareReplyQueue(channel, name, args.noWait);
    return;
  }
  const queue = args.passive
    ? passiveQueue(channel, name)
    : declareQueue(channel, name, args);
  queue.touch();
  channel.lastQueue = queue.name;
  if (args.noWait) return;
  channel.send("queue.declare-ok", {
    queue: queue.name,
    messageCount: queue.ready,
    consumerCount: queue.consumers.size,
  });
}

function passiveQueue(channel: Channel, name: string): Queue {
  channel.access.checkPassive("queue", name);
  return ownQueue(channel, name);
}

/** Lets a server ask whether the client is still there for its reply. */
function declareReplyQueue(
  channel: Channel,
  name: string,
  noWait: boolean,
): void {
  if (!channel.vhost.hasReplyQueue(name)) channel.vhost.queue(name);
  if (noWait) return;
  channel.send("queue.declare-ok", { queue: name, consumerCount: 1 });
}

function declareQueue(
  channel: Channel,
  requested: string,
  args: Arguments<"queue.declare">,
) {
  checkReserved("queue", requested);
  const table = withType(args.arguments, channel.vhost.behavior);
  const name = requested || serverName(table);
  channel.access.check("configure", "queue", name);
  const { autoDelete } = args;
  const owner = args.exclusive ? channel.link : undefined;
  const durable = args.durable && !args.exclusive;
  const existing = channel.vhost.findQueue(name);
  if (existing !== undefined) {
    const { options } = existing;
    checkOwner(existing, owner);
    assertSame(`${existing}`, "durable", durable, options.durable);
    assertSame(`${existing}`, "auto_delete", autoDelete, options.autoDelete);
    assertSameArguments(`${existing}`, table, options.args);
    return existing;
  }
  const what = describe("queue", name, channel.vhost.name);
  const dlx = exchangeNamed(table, "x-dead-letter-exchange", what);
  if (dlx !== undefined) {
    channel.access.check("read", "queue", name);
    channel.access.check("write", "exchange", dlx);
  }
  checkArguments(table, what, channel.vhost.behavior);
  if (asString(lookup(table, "x-queue-type")) === "quorum") {
    checkQuorum(what, args);
  } else if (!durable && owner === undefined) checkTransient(channel);
  const options = { durable, autoDelete, owner, args: table };
  const queue = channel.vhost.addQueue(name, options);
  owner?.exclusiveQueues.add(queue);
  return queue;
}

/** A name that the broker gives, to those who may leave it to the broker. */
function serverName(args: Table): string {
  if (asString(lookup(args, "x-queue-type")) !== "quorum") {
    return generateName("amq.gen-");
  }
  throw new AmqpError(
    "PRECONDITION_FAILED",
    "Cannot declare a server-named queue for type rabbit_quorum_queue",
  );
}

/** @throws {AmqpError} 406 for what a quorum queue can't be */
function checkQuorum(
  what: string,
  args: Arguments<"queue.declare">,
): void {
  const wrong = args.autoDelete
    ? "auto-delete"
    : args.exclusive
    ? "exclusive-owner"
    : args.durable
    ? undefined
    : "non-durable";
  if (wrong === undefined) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `invalid property '${wrong}' for ${what}`,
  );
}

/** What is neither durable nor exclusive costs the connection, where refused. */
function checkTransient(channel: Channel): void {
  if (channel.vhost.behavior.transientQueues) return;
  throw new AmqpError(
    "INTERNAL_ERROR",
    "Feature `transient_nonexcl_queues` is deprecated.\n" +
      "By default, this feature is not permitted anymore.\n" +
      "The feature will be removed from a future major RabbitMQ version, " +
      "regardless of the configuration; actual version to be determined.\n" +
      "To continue using this feature when it is not permitted by default, " +
      "set the following parameter in your configuration:\n" +
      '    "deprecated_features.permit.transient_nonexcl_queues = true"',
  );
}

/** queue.purge */
export function queuePurge(
  channel: Channel,
  args: Arguments<"queue.purge">,
): void {
  const name = queueName(channel, args.queue);
  channel.access.check("read", "queue", name);
  const count = ownQueue(channel, name).purge();
  if (args.noWait) return;
  channel.send("queue.purge-ok", { messageCount: count });
}

/** queue.delete; one that is not there is no error. */
export function queueDelete(
  channel: Channel,
  args: Arguments<"queue.delete">,
): void {
  const name = clean(queueName(channel, args.queue));
  channel.access.check("configure", "queue", name);
  let count = 0;
  if (channel.vhost.findQueue(name) !== undefined) {
    const queue = ownQueue(channel, name);
    if (args.ifUnused && queue.consumers.size > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${queue} in use`);
    }
    if (args.ifEmpty && queue.ready > 0) {
      throw new AmqpError("PRECONDITION_FAILED", `${queue} not empty`);
    }
    count = queue.ready;
    channel.vhost.deleteQueue(queue);
  }
  if (args.noWait) return;
  channel.send("queue.delete-ok", { messageCount: count });
}
