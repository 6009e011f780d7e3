// A server and a client process, driven through loads and watched meanwhile.

import { connect } from "../../src/mod.ts";
import type { Running } from "../support/process.ts";
import { waitUntil } from "../support/wait.ts";
import type { Figures, Load } from "./load.ts";
import { type Usage, usage } from "./processes.ts";

/** Starts a process that uses a queue. */
export type Start = (url: string, queue: string) => Running | Promise<Running>;

/** Who serves and who calls. */
export interface Participant {
  /** In tables. */
  readonly name: string;
  /** Starts a server, which declares the queue, durable. */
  readonly startServer: Start;
  /** Starts a client, as load.ts has it, once the queue is served. */
  readonly startClient: Start;
}

/** One load, measured. */
export type Run = {
  callsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Processor time of the client, per call. */
  clientUs: number;
  /** The same of the server. */
  serverUs: number;
  /** The most memory that the client had resident since it was started. */
  clientMiB: number;
  /** The same of the server. */
  serverMiB: number;
};

const READY_TIMEOUT_MS = 30_000;
/** Beyond the time that it was given, for what was still in flight. */
const GRACE_MS = 60_000;
const US_PER_MS = 1000;

/** A server and its client. Both are killed when it is disposed of. */
export class Pair implements AsyncDisposable {
  readonly name: string;
  readonly #server: Running;
  readonly #client: Running;
  #runs = 0;

  private constructor(name: string, server: Running, client: Running) {
    this.name = name;
    this.#server = server;
    this.#client = client;
  }

  /** Starts both, on a queue of their own. */
  static async start(
    { name, startServer, startClient }: Participant,
    url: string,
  ): Promise<Pair> {
    const queue = `bench-${crypto.randomUUID()}`;
    await using starting = new AsyncDisposableStack();
    const server = starting.use(await startServer(url, queue));
    await untilServed(url, queue, server);
    const client = starting.use(await startClient(url, queue));
    starting.move();
    return new Pair(name, server, client);
  }

  /**
   * Runs one load to its end.
   *
   * @throws Error with all it wrote if the client ends instead.
   */
  async run(load: Load): Promise<Run> {
    const before = await this.#usage();
    await this.#client.write(`${JSON.stringify(load)}\n`);
    const line = await this.#client.waitFor(/^\{/, "stdout", {
      occurrence: ++this.#runs,
      timeoutMs: 1000 * load.seconds + GRACE_MS,
    });
    const after = await this.#usage();
    const { calls, seconds, p50_ms, p99_ms }: Figures = JSON.parse(line);
    const perCallUs = (before: Usage, after: Usage) =>
      US_PER_MS * (after.cpuMs - before.cpuMs) / calls;
    return {
      callsPerSecond: calls / seconds,
      p50Ms: p50_ms,
      p99Ms: p99_ms,
      clientUs: perCallUs(before.client, after.client),
      serverUs: perCallUs(before.server, after.server),
      clientMiB: after.client.peakMiB,
      serverMiB: after.server.peakMiB,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }

  async #usage(): Promise<{ client: Usage; server: Usage }> {
    return {
      client: await usage(this.#client.pid),
      server: await usage(this.#server.pid),
    };
  }
}

/** Waits until the queue has a consumer: not every server says that it has. */
export async function untilServed(
  url: string,
  queue: string,
  server: Running,
): Promise<void> {
  await using rpc = await connect(url);
  let ended = false;
  server.status.then(() => ended = true);
  await waitUntil(`a server of ${queue}`, async () => {
    // With its output, which says why.
    if (ended) await server.waitFor("anything");
    const info = await rpc.inspect(queue);
    return info !== undefined && info.consumers > 0;
  }, READY_TIMEOUT_MS);
}
