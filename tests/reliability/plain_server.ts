// A server as in RabbitMQ's tutorial, on amqplib, that answers when it is told.

import amqplib, {
  type ChannelModel,
  type ConsumeMessage,
  type Options,
} from "amqplib";
import { Buffer } from "node:buffer";
import { Log, turn } from "./watching.ts";

/** Consumes a queue, keeps what comes, and answers when told. */
export interface PlainServer extends AsyncDisposable {
  readonly requests: Log<ConsumeMessage>;
  /** The n-th request (from 1), once it is there. */
  request(n?: number): Promise<ConsumeMessage>;
  reply(request: ConsumeMessage, text: string): void;
}

/** Declares the queue, durable, and consumes it. */
export async function plainServer(
  url: string,
  queue: string,
): Promise<PlainServer> {
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  const requests = new Log<ConsumeMessage>();
  const keep = (request: ConsumeMessage | null) => {
    if (request) requests.add(request);
  };
  await channel.consume(queue, keep, { noAck: true });
  return {
    requests,
    request: (n = 1) => requests.first("request", undefined, n),
    reply: ({ properties }, text) => {
      const { replyTo, correlationId } = properties;
      channel.sendToQueue(replyTo, Buffer.from(text), { correlationId });
    },
    [Symbol.asyncDispose]: () => close(connection),
  };
}

/** Closes a connection. */
export async function close(connection: ChannelModel): Promise<void> {
  await connection.close();
  // It still has something to do then, which the sanitizer would see.
  await turn();
}

/** A client of the same kind: sends, and keeps the replies. */
export interface PlainClient extends AsyncDisposable {
  readonly replies: Log<ConsumeMessage>;
  send(queue: string, body: string, properties: Options.Publish): void;
}

/** Declares a callback queue and consumes it. */
export async function plainClient(url: string): Promise<PlainClient> {
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  const { queue: replyTo } = await channel.assertQueue("", { exclusive: true });
  const replies = new Log<ConsumeMessage>();
  await channel.consume(replyTo, (reply) => {
    if (reply) replies.add(reply);
  }, { noAck: true });
  return {
    replies,
    send: (queue, body, properties) => {
      const message = { replyTo, ...properties };
      channel.sendToQueue(queue, Buffer.from(body), message);
    },
    [Symbol.asyncDispose]: () => close(connection),
  };
}
