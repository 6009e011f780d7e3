/** exchange.* and queue.*: binding and unbinding. */
import type { Channel } from "./channel.ts";
import type { Destination } from "../routing/exchange.ts";
import type { Arguments } from "../../amqp091/methods.ts";
import { checkNotDefault, clean, ownQueue, queueName } from "./names.ts";
import type { Table } from "../../amqp091/table.ts";

/** What to bind, or no longer: both ends by name, key and arguments. */
interface Link {
  readonly source: string;
  readonly kind: Destination["kind"];
  readonly destination: string;
  readonly routingKey: string;
  readonly args: Table;
}

/** exchange.bind */
export function exchangeBind(
  channel: Channel,
  args: Arguments<"exchange.bind">,
): void {
  bind(channel, exchangeLink(args));
  if (!args.noWait) channel.send("exchange.bind-ok");
}

/** exchange.unbind */
export function exchangeUnbind(
  channel: Channel,
  args: Arguments<"exchange.unbind">,
): void {
  unbind(channel, exchangeLink(args));
  if (!args.noWait) channel.send("exchange.unbind-ok");
}

/** queue.bind */
export function queueBind(
  channel: Channel,
  args: Arguments<"queue.bind">,
): void {
  bind(channel, queueLink(channel, args));
  if (!args.noWait) channel.send("queue.bind-ok");
}

/** queue.unbind */
export function queueUnbind(
  channel: Channel,
  args: Arguments<"queue.unbind">,
): void {
  unbind(channel, queueLink(channel, args));
  channel.send("queue.unbind-ok");
}

function exchangeLink(args: Arguments<"exchange.bind">): Link {
  return {
    source: clean(args.source),
    kind: "exchange",
    destination: clean(args.destination),
    routingKey: args.routingKey,
    args: args.arguments,
  };
}

function queueLink(channel: Channel, args: Arguments<"queue.unbind">): Link {
  // With neither queue nor key named, the key is the queue's name.
  const isShort = args.queue === "" && args.routingKey === "";
  return {
    source: clean(args.exchange),
    kind: "queue",
    destination: clean(queueName(channel, args.queue)),
    routingKey: isShort ? channel.lastQueue : args.routingKey,
    args: args.arguments,
  };
}

/** In RabbitMQ's order, which decides what the client is told. */
function check(channel: Channel, { source, kind, destination }: Link): void {
  channel.access.check("write", kind, destination);
  if (kind === "exchange") checkNotDefault(destination);
  checkNotDefault(source);
  channel.access.check("read", "exchange", source);
}

/** The destination is looked up late, as RabbitMQ misses the source first. */
function bind(channel: Channel, link: Link): void {
  check(channel, link);
  const { vhost } = channel;
  const { kind, destination, routingKey, args } = link;
  const source = vhost.exchange(link.source);
  const target = kind === "queue"
    ? ownQueue(channel, destination)
    : vhost.exchange(destination);
  source.checkBinding(routingKey, args, vhost.behavior);
  source.bind(target, routingKey, args);
}

/**
 * A binding that is not there is no error, nor is an end of it that is gone:
 * an auto-delete exchange may have gone with the queue that was bound to it.
 */
function unbind(channel: Channel, link: Link): void {
  check(channel, link);
  const source = channel.vhost.findExchange(link.source);
  const target = source && find(channel, link);
  const binding = target && source.find(target, link.routingKey, link.args);
  if (binding === undefined) return;
  binding.source.unbind(binding);
  channel.vhost.unbound(binding.source);
}

function find(channel: Channel, { kind, destination }: Link) {
  const { vhost } = channel;
  if (kind === "exchange") return vhost.findExchange(destination);
  return vhost.findQueue(destination) && ownQueue(channel, destination);
}
