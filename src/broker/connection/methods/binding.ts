/** exchange.bind and unbind, queue.bind and unbind. */
import type { Channel } from "../channel.ts";
import type { Destination } from "../../routing/exchange.ts";
import type { Arguments } from "../../../amqp091/methods.ts";
import { checkNotDefault, clean, ownQueue, queueName } from "./names.ts";
import type { Table } from "../../../amqp091/table.ts";

/** The binding to add or remove, with the names of both ends. */
interface BindingRequest {
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
  bind(channel, exchangeBinding(args));
  if (!args.noWait) channel.send("exchange.bind-ok");
}

/** exchange.unbind */
export function exchangeUnbind(
  channel: Channel,
  args: Arguments<"exchange.unbind">,
): void {
  unbind(channel, exchangeBinding(args));
  if (!args.noWait) channel.send("exchange.unbind-ok");
}

/** queue.bind */
export function queueBind(
  channel: Channel,
  args: Arguments<"queue.bind">,
): void {
  bind(channel, queueBinding(channel, args));
  if (!args.noWait) channel.send("queue.bind-ok");
}

/** queue.unbind */
export function queueUnbind(
  channel: Channel,
  args: Arguments<"queue.unbind">,
): void {
  unbind(channel, queueBinding(channel, args));
  channel.send("queue.unbind-ok");
}

function exchangeBinding(args: Arguments<"exchange.bind">): BindingRequest {
  return {
    source: clean(args.source),
    kind: "exchange",
    destination: clean(args.destination),
    routingKey: args.routingKey,
    args: args.arguments,
  };
}

function queueBinding(
  channel: Channel,
  args: Arguments<"queue.unbind">,
): BindingRequest {
  // With neither a queue nor a key, the key is the name of the last queue.
  const isShort = args.queue === "" && args.routingKey === "";
  return {
    source: clean(args.exchange),
    kind: "queue",
    destination: clean(queueName(channel, args.queue)),
    routingKey: isShort ? channel.lastQueue : args.routingKey,
    args: args.arguments,
  };
}

/** Checks permissions in RabbitMQ's order, which decides on the error. */
function check(
  channel: Channel,
  { source, kind, destination }: BindingRequest,
): void {
  channel.access.check("write", kind, destination);
  if (kind === "exchange") checkNotDefault(destination);
  checkNotDefault(source);
  channel.access.check("read", "exchange", source);
}

/** Looks up the source first: if both are missing, RabbitMQ reports that one. */
function bind(channel: Channel, request: BindingRequest): void {
  check(channel, request);
  const { vhost } = channel;
  const { kind, destination, routingKey, args } = request;
  const source = vhost.exchange(request.source);
  const target = kind === "queue"
    ? ownQueue(channel, destination)
    : vhost.exchange(destination);
  source.checkBinding(routingKey, args, vhost.behavior);
  source.bind(target, routingKey, args);
}

/**
 * Removes a binding; if it or one of its ends does not exist, that is not an
 * error: an auto-delete exchange may have ended with the queue bound to it.
 */
function unbind(channel: Channel, request: BindingRequest): void {
  check(channel, request);
  const source = channel.vhost.findExchange(request.source);
  const target = source && find(channel, request);
  const binding = target &&
    source.find(target, request.routingKey, request.args);
  if (binding === undefined) return;
  binding.source.unbind(binding);
  channel.vhost.unbound(binding.source);
}

function find(channel: Channel, { kind, destination }: BindingRequest) {
  const { vhost } = channel;
  if (kind === "exchange") return vhost.findExchange(destination);
  return vhost.findQueue(destination) && ownQueue(channel, destination);
}
