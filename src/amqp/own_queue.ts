/**
 * Queues of a connection's own: named by the broker, exclusive, and deleted
 * with their consumer, so that none outlives its use while the connection does.
 *
 * @module
 */
import { settled } from "../async/delay.ts";
import type { Channel } from "./channel.ts";
import { closeChannel } from "./closing.ts";
import type { Connection } from "./connection.ts";

/** AMQP's way to name the queue that a channel declared last. */
const DECLARED_LAST = "";

/**
 * Declares and consumes such a queue in one round trip; returns its name. From
 * then on it is deleted with its channel.
 */
export async function consumeOwnQueue(
  connection: Connection,
  channel: Channel,
  consume: (queue: string) => Promise<unknown>,
): Promise<string> {
  const declaring = channel.request("queue.declare", {
    exclusive: true,
    autoDelete: true,
  });
  try {
    const [{ queue }] = await Promise.all([declaring, consume(DECLARED_LAST)]);
    return queue;
  } catch (error) {
    // It never had a consumer, with which it would be deleted.
    await settled(
      declaring.then(({ queue }) => deleteQueue(connection, queue)),
    );
    throw error;
  }
}

/** The channel that it was declared on may be closed. */
async function deleteQueue(
  connection: Connection,
  queue: string,
): Promise<void> {
  await connection.openChannel(async (channel) => {
    try {
      await channel.request("queue.delete", { queue });
    } finally {
      await closeChannel(connection, channel);
    }
  });
}
