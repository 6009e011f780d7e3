// What is done to the broker from inside, as `rabbitmqctl` would.

import type { Connection } from "../engine/connection.ts";
import type { Monitor } from "../wire/monitor.ts";
import type { World } from "./world.ts";

/** Deletes a queue with all that waits in it, where there is one. */
export function deleteQueue({ broker }: World, name: string): void {
  const queue = broker.queue(name);
  if (queue) broker.vhost?.deleteQueue(queue);
}

/** Ends one of the consumers of a queue, and tells its client. */
export function endConsumer(
  { broker }: World,
  name: string,
  pick: number,
): void {
  const queue = broker.queue(name);
  const consumers = [...queue?.consumers ?? []];
  const consumer = consumers[Math.floor(pick * consumers.length)];
  if (consumer === undefined) return;
  consumer.queueDeleted();
  queue?.removeConsumer(consumer);
}

/**
 * Has the broker close a channel with 404, as if its client had asked for what
 * is not there. It has to be between two messages of the client.
 */
export function closeChannel(
  connection: Connection,
  monitor: Monitor,
  channel: number,
): void {
  const queue = "absent";
  const payload = [0, 50, 0, 10, 0, 0, queue.length];
  for (const letter of queue) payload.push(letter.charCodeAt(0));
  // Passive; no arguments.
  payload.push(1, 0, 0, 0, 0);
  const head = [1, channel >> 8, channel & 0xff, 0, 0, 0, payload.length];
  if (monitor.isBetween) {
    connection.up.send(new Uint8Array([...head, ...payload, 0xce]));
  }
}
