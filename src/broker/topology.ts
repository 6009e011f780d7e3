/** exchange.* and queue.*: declaring, binding, purging, deleting. */
import type { Channel } from "./channel.ts";
import { AmqpError, describe } from "./errors.ts";
import { type Destination, Exchange, isExchangeType } from "./exchange.ts";
import { checkHeadersBinding } from "./headers_match.ts";
import type { Arguments } from "./methods.ts";
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
} from "./queue_arguments.ts";
import { countOk, ok, queueDeclareOk } from "./replies.ts";
import { lookup, type Table, typeName } from "./table.ts";
import { REPLY_TO } from "./vhost.ts";

const ALTERNATE = "alternate-exchange";

/** exchange.declare */
export function exchangeDeclare(
  channel: Channel,
  args: Arguments<"exchange.declare">,
): void {
  const name = clean(args.exchange);
  if (args.passive) {
    checkNotDefault(name);
    channel.vhost.exchange(name);
  } else declareExchange(channel, name, args);
  if (!args.noWait) ok(channel.out, channel.number, "exchange.declare-ok");
}

function declareExchange(
  channel: Channel,
  name: string,
  args: Arguments<"exchange.declare">,
): void {
  const { type, arguments: table } = args;
  if (!isExchangeType(type)) {
    throw new AmqpError("COMMAND_INVALID", `unknown exchange type '${type}'`);
  }
  checkNotDefault(name);
  const what = describe("exchange", name, channel.vhost.name);
  const exchange = channel.vhost.findExchange(name);
  if (exchange === undefined) {
    checkReserved("exchange", name);
    const alternate = lookup(table, ALTERNATE);
    if (alternate !== undefined && alternate.tag !== "S") {
      throw new AmqpError(
        "PRECONDITION_FAILED",
        `invalid type '${
          typeName(alternate)
        }' for arg '${ALTERNATE}' in ${what}`,
      );
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
  const exchange = channel.vhost.findExchange(name);
  if (exchange !== undefined) {
    if (args.ifUnused && exchange.used) {
      throw new AmqpError("PRECONDITION_FAILED", `${what} in use`);
    }
    channel.vhost.deleteExchange(exchange);
  }
  if (!args.noWait) ok(channel.out, channel.number, "exchange.delete-ok");
}

/** exchange.bind */
export function exchangeBind(
  channel: Channel,
  args: Arguments<"exchange.bind">,
): void {
  const name = exchangeDestination(args);
  bind(channel, clean(args.source), () => channel.vhost.exchange(name), args);
  if (!args.noWait) ok(channel.out, channel.number, "exchange.bind-ok");
}

/** exchange.unbind */
export function exchangeUnbind(
  channel: Channel,
  args: Arguments<"exchange.unbind">,
): void {
  const name = exchangeDestination(args);
  const find = () => channel.vhost.findExchange(name);
  unbind(channel, clean(args.source), find, args);
  if (!args.noWait) ok(channel.out, channel.number, "exchange.unbind-ok");
}

function exchangeDestination(args: Arguments<"exchange.bind">): string {
  const name = clean(args.destination);
  checkNotDefault(name);
  return name;
}

/** The key and arguments that, with both ends, make a binding. */
interface BindingArguments {
  readonly routingKey: string;
  readonly arguments: Table;
}

/** The destination is looked up late, as RabbitMQ misses the source first. */
function bind(
  channel: Channel,
  source: string,
  destination: () => Destination,
  args: BindingArguments,
): void {
  checkNotDefault(source);
  const exchange = channel.vhost.exchange(source);
  const target = destination();
  if (exchange.options.type === "headers") checkHeadersBinding(args.arguments);
  exchange.bind(target, args.routingKey, args.arguments);
}

/**
 * A binding that is not there is no error, nor is an end of it that is gone:
 * an auto-delete exchange may have gone with the queue that was bound to it.
 */
function unbind(
  channel: Channel,
  source: string,
  destination: () => Destination | undefined,
  args: BindingArguments,
): void {
  checkNotDefault(source);
  const exchange = channel.vhost.findExchange(source);
  const target = exchange && destination();
  const binding = target &&
    exchange.find(target, args.routingKey, args.arguments);
  if (binding === undefined) return;
  binding.source.unbind(binding);
  channel.vhost.unbound(binding.source);
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
    ? ownQueue(channel, name)
    : declareQueue(channel, name, args);
  queue.touch();
  channel.lastQueue = queue.name;
  if (args.noWait) return;
  queueDeclareOk(channel.out, channel.number, queue.name, {
    messages: queue.ready,
    consumers: queue.consumers.size,
  });
}

/** Lets a server ask whether the client is still there for its reply. */
function declareReplyQueue(
  channel: Channel,
  name: string,
  noWait: boolean,
): void {
  if (!channel.vhost.hasReplyQueue(name)) channel.vhost.queue(name);
  if (noWait) return;
  const counts = { messages: 0, consumers: 1 };
  queueDeclareOk(channel.out, channel.number, name, counts);
}

function declareQueue(
  channel: Channel,
  requested: string,
  args: Arguments<"queue.declare">,
) {
  checkReserved("queue", requested);
  const name = requested || generateName("amq.gen-");
  const { autoDelete, arguments: table } = args;
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
  const dlx = lookup(table, "x-dead-letter-exchange");
  if (dlx !== undefined && dlx.tag !== "S") {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `invalid type '${
        typeName(dlx)
      }' for arg 'x-dead-letter-exchange' in ${what}`,
    );
  }
  checkArguments(table, what);
  const options = { durable, autoDelete, owner, args: table };
  const queue = channel.vhost.addQueue(name, options);
  owner?.exclusiveQueues.add(queue);
  return queue;
}

/** queue.bind */
export function queueBind(
  channel: Channel,
  args: Arguments<"queue.bind">,
): void {
  const name = clean(queueName(channel, args.queue));
  bind(channel, clean(args.exchange), () => ownQueue(channel, name), {
    routingKey: bindingKey(channel, args),
    arguments: args.arguments,
  });
  if (!args.noWait) ok(channel.out, channel.number, "queue.bind-ok");
}

/** queue.unbind */
export function queueUnbind(
  channel: Channel,
  args: Arguments<"queue.unbind">,
): void {
  const name = clean(queueName(channel, args.queue));
  const find = () => channel.vhost.findQueue(name) && ownQueue(channel, name);
  unbind(channel, clean(args.exchange), find, {
    routingKey: bindingKey(channel, args),
    arguments: args.arguments,
  });
  ok(channel.out, channel.number, "queue.unbind-ok");
}

/** With neither queue nor key named, the key is the queue's name. */
function bindingKey(
  channel: Channel,
  args: Arguments<"queue.unbind">,
): string {
  if (args.queue === "" && args.routingKey === "") return channel.lastQueue;
  return args.routingKey;
}

/** queue.purge */
export function queuePurge(
  channel: Channel,
  args: Arguments<"queue.purge">,
): void {
  const queue = ownQueue(channel, queueName(channel, args.queue));
  const count = queue.purge();
  if (args.noWait) return;
  countOk(channel.out, channel.number, "queue.purge-ok", count);
}

/** queue.delete; one that is not there is no error. */
export function queueDelete(
  channel: Channel,
  args: Arguments<"queue.delete">,
): void {
  const name = clean(queueName(channel, args.queue));
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
  countOk(channel.out, channel.number, "queue.delete-ok", count);
}
