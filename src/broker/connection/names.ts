/** Names: those the broker makes, those it reserves, and what they stand for. */
import type { Channel } from "./channel.ts";
import { AmqpError } from "../../amqp091/errors.ts";
import type { Queue, QueueOwner } from "../routing/queue.ts";

const RESERVED = "amq.";

/** A name that nobody can guess, such as "amq.gen-" and 22 characters. */
export function generateName(prefix: string): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const text = btoa(String.fromCharCode(...random));
  return prefix +
    text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A name without the line breaks that RabbitMQ takes out of names too. */
export function clean(name: string): string {
  return name.replace(/[\r\n]/g, "");
}

/** @throws {AmqpError} 403 if the name is one that only a broker gives */
export function checkReserved(kind: "queue" | "exchange", name: string): void {
  if (!name.startsWith(RESERVED)) return;
  throw new AmqpError(
    "ACCESS_REFUSED",
    `${kind} name '${name}' contains reserved prefix 'amq.*'`,
  );
}

/** Whether the exchange is one that every virtual host has. */
export function isSystemExchange(name: string): boolean {
  return name.startsWith(RESERVED);
}

/** @throws {AmqpError} 403 for the default exchange, which can't be changed */
export function checkNotDefault(name: string): void {
  if (name !== "") return;
  throw new AmqpError(
    "ACCESS_REFUSED",
    "operation not permitted on the default exchange",
  );
}

/** The queue's name; an empty one stands for the queue declared last. */
export function queueName(channel: Channel, name: string): string {
  const actual = name || channel.lastQueue;
  if (actual === "") {
    throw new AmqpError("NOT_FOUND", "no previously declared queue");
  }
  return actual;
}

/**
 * The queue of that name, for a connection that may use it.
 *
 * @throws {AmqpError} 404, or 405 if it is exclusive to another connection.
 */
export function ownQueue(channel: Channel, name: string): Queue {
  const queue = channel.vhost.queue(name);
  const { owner } = queue.options;
  if (owner !== undefined) checkOwner(queue, channel.link);
  return queue;
}

/** @throws {AmqpError} 405 unless `owner` is the queue's */
export function checkOwner(queue: Queue, owner: QueueOwner | undefined): void {
  if (queue.options.owner === owner) return;
  throw new AmqpError(
    "RESOURCE_LOCKED",
    `cannot obtain exclusive access to locked ${queue}. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration.`,
  );
}
