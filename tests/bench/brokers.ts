// The brokers to measure on, each a process of its own.

import { start } from "../support/program.ts";
import { versionOf } from "../support/erlang.ts";
import { rabbitMqMissing, startRabbitMq } from "../support/rabbitmq.ts";
import type { BrokerName } from "./options.ts";

/** A broker that runs until it is disposed of. */
export interface BenchBroker extends AsyncDisposable {
  /** In titles. */
  readonly name: string;
  readonly version: string;
  readonly url: string;
}

/** Starts a broker of our own; says why where it can't be. */
export async function startBenchBroker(
  name: BrokerName,
): Promise<BenchBroker | { missing: string }> {
  if (name === "own") return await startOwn();
  const missing = rabbitMqMissing();
  return missing === undefined ? await startPrivate() : { missing };
}

async function startPrivate(): Promise<BenchBroker> {
  const node = await startRabbitMq();
  return {
    name: "RabbitMQ",
    version: await versionOf(node),
    url: node.url,
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

async function startOwn(): Promise<BenchBroker> {
  await using starting = new AsyncDisposableStack();
  const broker = starting.use(
    await start(["broker", "--listen", "127.0.0.1:0"]),
  );
  const url = await broker.waitFor(/^amqp:/);
  starting.move();
  return {
    name: "the development broker",
    version: "rabbit-rpc broker",
    url,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}
