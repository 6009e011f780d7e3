// A server whose every move a test decides, on somebody else's library.

import { within } from "../support/within.ts";
import { rawChannel } from "./scene.ts";
import type { Channel, ConsumeMessage } from "amqplib";
import { Buffer } from "node:buffer";

/** A program that sends requests has to be started first. */
const BOUND_MS = 20_000;

/** Takes the requests of a queue and answers when it is told to. */
export interface FakeServer extends AsyncDisposable {
  /** The requests so far, oldest first. */
  readonly requests: readonly ConsumeMessage[];
  /** Resolves when so many requests have come; rejects after 20 s. */
  received(count: number): Promise<void>;
  /** Answers one of them. */
  answer(request: ConsumeMessage, body: string | Uint8Array): void;
  readonly channel: Channel;
}

/** Consumes `queue`, which is transient and goes when this server does. */
export async function fakeServer(
  url: string,
  queue: string,
  onRequest: (
    request: ConsumeMessage,
    server: FakeServer,
  ) => void | Promise<void> = () => {},
): Promise<FakeServer> {
  const raw = await rawChannel(url);
  const { channel } = raw;
  const requests: ConsumeMessage[] = [];
  let news = Promise.withResolvers<void>();
  const server: FakeServer = {
    requests,
    channel,
    received: (count) => {
      const come = async () => {
        while (requests.length < count) await news.promise;
      };
      return within(`${count} requests`, come(), BOUND_MS);
    },
    answer: ({ properties: { replyTo, correlationId } }, body) => {
      channel.sendToQueue(replyTo, Buffer.from(body), { correlationId });
    },
    [Symbol.asyncDispose]: () => raw[Symbol.asyncDispose](),
  };
  await channel.assertQueue(queue, { autoDelete: true });
  await channel.consume(queue, (request) => {
    if (request === null) return;
    requests.push(request);
    void onRequest(request, server);
    news.resolve();
    news = Promise.withResolvers();
  }, { noAck: true });
  return server;
}
