// An RPC server and client on amqplib, after RabbitMQ's tutorial six.

import amqplib, { type ChannelModel } from "amqplib";
import { Buffer } from "node:buffer";
import { setImmediate as turn } from "node:timers/promises";

function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/** A server that answers with Fibonacci numbers until it is disposed of. */
export async function amqplibServer(
  url: string,
  queue: string,
  options: { durable?: boolean } = {},
): Promise<AsyncDisposable> {
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: options.durable ?? false });
  await channel.prefetch(1);
  await channel.consume(queue, (request) => {
    if (!request) return;
    const { replyTo, correlationId } = request.properties;
    const answer = String(fib(Number(request.content.toString())));
    channel.sendToQueue(replyTo, Buffer.from(answer), { correlationId });
    channel.ack(request);
  });
  return { [Symbol.asyncDispose]: () => closeConnection(connection) };
}

/**
 * Sends one request and gives the body of its reply.
 *
 * @throws Error if none comes in 30 s.
 */
export async function amqplibClient(
  url: string,
  queue: string,
  n: number | string,
): Promise<string> {
  const connection = await amqplib.connect(url, { noDelay: true });
  const reply = Promise.withResolvers<string>();
  const timer = setTimeout(
    () => reply.reject(new Error(`no reply from "${queue}" in 30 s`)),
    30_000,
  );
  try {
    const channel = await connection.createChannel();
    const callback = await channel.assertQueue("", { exclusive: true });
    const correlationId = crypto.randomUUID();
    connection.on("error", reply.reject);
    await channel.consume(callback.queue, (message) => {
      if (message?.properties.correlationId !== correlationId) return;
      reply.resolve(message.content.toString());
    }, { noAck: true });
    channel.sendToQueue(queue, Buffer.from(String(n)), {
      correlationId,
      replyTo: callback.queue,
    });
    return await reply.promise;
  } finally {
    clearTimeout(timer);
    await closeConnection(connection);
  }
}

/**
 * Closes a connection and lets its last setImmediate pass, in which the
 * sanitizers of Deno 2.4 see a timer that was forgotten.
 */
export async function closeConnection(connection: ChannelModel): Promise<void> {
  await connection.close();
  await turn();
}
