/** The names of queues and exchanges that methods contain. */
import type { Channel } from "../channel.ts";
import { AmqpError } from "../../../amqp091/errors.ts";
import type { Queue, QueueOwner } from "../../routing/queue.ts";

const RESERVED = "amq.";

/** A name without line breaks, which RabbitMQ removes as well. */
export function clean(name: string): string {
  return name.replace(/[\r\n]/g, "");
}

/** @throws {AmqpError} 403 if the name is reserved for the broker. */
export function checkReserved(kind: "queue" | "exchange", name: string): void {
  if (!name.startsWith(RESERVED)) return;
  throw new AmqpError(
    "ACCESS_REFUSED",
    `${kind} name '${name}' contains reserved prefix 'amq.*'`,
  );
}

/** Whether the exchange exists in every virtual host. */
export function isSystemExchange(name: string): boolean {
  return name.startsWith(RESERVED);
}

/** @throws {AmqpError} 403 for the default exchange, which can't be changed. */
export function checkNotDefault(name: string): void {
  if (name !== "") return;
  throw new AmqpError(
    "ACCESS_REFUSED",
    "operation not permitted on the default exchange",
  );
}

/**
 * The name of a queue; an empty one stands for the queue declared last.
 *
 * @throws {AmqpError} 404 if the channel has not declared any queue.
 */
export function queueName(channel: Channel, name: string): string {
  const actual = name || channel.lastQueue;
  if (actual === "") {
    throw new AmqpError("NOT_FOUND", "no previously declared queue");
  }
  return actual;
}

/**
 * The queue of that name.
 *
 * @throws {AmqpError} 404 if there is none, 405 if it is exclusive to another
 *   connection.
 */
export function ownQueue(channel: Channel, name: string): Queue {
  const queue = channel.vhost.queue(name);
  const { owner } = queue.options;
  if (owner !== undefined) checkOwner(queue, channel.connection);
  return queue;
}

/** @throws {AmqpError} 405 unless the queue is exclusive to `owner`. */
export function checkOwner(queue: Queue, owner: QueueOwner | undefined): void {
  if (queue.options.owner === owner) return;
  throw new AmqpError(
    "RESOURCE_LOCKED",
    `cannot obtain exclusive access to locked ${queue}. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration.`,
  );
}
