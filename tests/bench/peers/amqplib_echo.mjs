// RPC echo on amqplib.
//
// usage: amqplib_echo.mjs server URL QUEUE | client URL QUEUE
//
// A client reads loads from stdin and prints what came of them: see ../load.ts.

import amqplib from "amqplib";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import { figures } from "./figures.mjs";

const PREFETCH = 256;

async function serve(url, queue) {
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  await channel.prefetch(PREFETCH);
  await channel.consume(queue, (request) => {
    const { replyTo, correlationId } = request.properties;
    channel.sendToQueue(replyTo, request.content, { correlationId });
    channel.ack(request);
  });
}

/** Keeps requests in flight: each reply is followed by the next request. */
class Client {
  #sentAtMs = new Map();

  async connect(url, queue) {
    this.queue = queue;
    this.connection = await amqplib.connect(url, { noDelay: true });
    this.channel = await this.connection.createChannel();
    const callback = await this.channel.assertQueue("", { exclusive: true });
    this.replyTo = callback.queue;
    await this.channel.consume(
      this.replyTo,
      (reply) => this.#onReply(reply),
      { noAck: true },
    );
  }

  async close() {
    await this.connection.close();
  }

  run({ calls, seconds, concurrency, body }) {
    const startedMs = performance.now();
    this.body = Buffer.from(body);
    this.latencies = [];
    this.left = calls;
    this.endsMs = startedMs + 1000 * seconds;
    return new Promise((resolve) => {
      this.onIdle = () =>
        resolve(figures(this.latencies, performance.now() - startedMs));
      for (let n = 0; n < concurrency; n++) this.#send();
    });
  }

  #send() {
    const nowMs = performance.now();
    if (this.left === 0 || nowMs >= this.endsMs) return;
    this.left--;
    const correlationId = randomUUID();
    this.#sentAtMs.set(correlationId, nowMs);
    const { replyTo } = this;
    this.channel.sendToQueue(this.queue, this.body, { correlationId, replyTo });
  }

  #onReply({ content, properties: { correlationId } }) {
    if (content.length !== this.body.length) throw new Error("not an echo");
    this.latencies.push(performance.now() - this.#sentAtMs.get(correlationId));
    this.#sentAtMs.delete(correlationId);
    this.#send();
    if (this.#sentAtMs.size === 0) this.onIdle();
  }
}

const [role, url, queue] = process.argv.slice(2);
if (role === "server") {
  await serve(url, queue);
} else {
  const client = new Client();
  await client.connect(url, queue);
  for await (const line of createInterface({ input: process.stdin })) {
    const outcome = await client.run(JSON.parse(line));
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
  await client.close();
}
