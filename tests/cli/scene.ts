// The program on the shared RabbitMQ, with a queue of a test's own.

import { closeConnection } from "../peers/amqplib_peer.ts";
import type {
  ProcessOptions,
  Result,
  Running,
  StartOptions,
} from "../support/process.ts";
import { run, start } from "../support/program.ts";
import { sharedRabbitMq } from "../support/rabbitmq.ts";
import amqplib from "amqplib";

/** Where a test plays: a broker, and a queue that no other test knows. */
export interface Scene {
  /** Of the broker. */
  readonly url: string;
  /** Not declared yet. */
  readonly queue: string;
  /** Runs `rabbit-rpc client QUEUE ...args` to its end. */
  client(args: string[], options?: ProcessOptions): Promise<Result>;
  /** Starts the same. */
  startClient(
    args: string[],
    options?: StartOptions,
  ): Promise<Running>;
  /** Runs `rabbit-rpc server QUEUE ...args` to its end. */
  runServer(args: string[], options?: ProcessOptions): Promise<Result>;
  /** Starts the same; it consumes when this resolves. */
  serve(args: string[], options?: ProcessOptions): Promise<Running>;
}

/** A new scene; `url` names another broker than the shared one. */
export async function scene(options: { url?: string } = {}): Promise<Scene> {
  const url = options.url ?? (await sharedRabbitMq()).url;
  const queue = uniqueQueue();
  const command = (name: string, args: string[]) => [
    name,
    "--url",
    url,
    queue,
    ...args,
  ];
  return {
    url,
    queue,
    client: (args, options) => run(command("client", args), options),
    startClient: (args, options) => start(command("client", args), options),
    runServer: (args, options) => run(command("server", args), options),
    serve: async (args, options) => {
      const server = await start(command("server", args), options);
      return await onceReady(server, awaiting(queue));
    },
  };
}

/** A queue name that nobody else has. */
export function uniqueQueue(): string {
  return `test-${crypto.randomUUID()}`;
}

/** What a server prints once it consumes. */
export function awaiting(queue: string): string {
  return ` [x] Awaiting RPC requests on ${queue}`;
}

/** A program once it has printed this line; killed if it does not. */
export async function onceReady(
  program: Running,
  line: string,
): Promise<Running> {
  try {
    await program.waitFor(line);
    return program;
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** A channel of somebody else's, for what our own program does not do. */
export async function rawChannel(
  url: string,
): Promise<{ channel: amqplib.Channel } & AsyncDisposable> {
  const connection = await amqplib.connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  return {
    channel,
    [Symbol.asyncDispose]: () => closeConnection(connection),
  };
}

/** A file with this content, removed when disposed of. */
export async function temporaryFile(
  content: string | Uint8Array,
): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempFile({ prefix: "rabbit-rpc-test-" });
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  await Deno.writeFile(path, bytes);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

/** The numbers from `first` to `last`, one a line. */
export function numberLines(first: number, last: number): string {
  let lines = "";
  for (let n = first; n <= last; n++) lines += `${n}\n`;
  return lines;
}

/** Fibonacci numbers by another way than the one under test. */
export function fibonacci(n: number): number {
  let [a, b] = [0, 1];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
}
