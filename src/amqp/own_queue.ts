/**
 * Queues of a connection's own: named by the broker, exclusive, and deleted
 * with their consumer, so that none outlives its use while the connection does.
 *
 * @module
 */
import type { AMQPChannel, AMQPConsumer } from "@cloudamqp/amqp-client";
import { closeChannel } from "./channels.ts";
import type { AmqpSocket } from "./socket.ts";

/** AMQP's way to name the queue that a channel declared last. */
const DECLARED_LAST = "";

/**
 * Declares such a queue and has it consumed, in one round trip; returns its
 * name. From then on it is gone as soon as its channel is.
 */
export async function consumeOwnQueue(
  socket: AmqpSocket,
  channel: AMQPChannel,
  consume: (queue: string) => Promise<AMQPConsumer | void>,
): Promise<string> {
  const declaring = channel.queueDeclare("", {
    exclusive: true,
    durable: false,
    autoDelete: true,
  });
  try {
    const [{ name }] = await Promise.all([declaring, consume(DECLARED_LAST)]);
    return name;
  } catch (error) {
    // It never had a consumer that could take it along.
    await declaring.then(({ name }) => deleteQueue(socket, name)).catch(ignore);
    throw error;
  }
}

/** The channel that it was declared on may be closed. */
async function deleteQueue(socket: AmqpSocket, name: string): Promise<void> {
  await socket.openChannel(async (channel) => {
    channel.onerror = ignore;
    try {
      await channel.queueDelete(name);
    } finally {
      await closeChannel(channel);
    }
  });
}

/** The connection was lost, or the queue was never declared. */
function ignore(): void {}
