// The world of a chaos run: a broker, the ways to it, servers and clients.

import { startCluster } from "../support/cluster.ts";
import { type RabbitMq, startRabbitMq } from "../support/rabbitmq.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import type { Remains } from "../rules/leftovers.ts";
import type { Ledger } from "./ledger.ts";
import type {
  ClientArguments,
  ConnectionArguments,
  EndLine,
  Line,
  ServerArguments,
} from "./messages.ts";
import type { Side } from "./plan.ts";
import { ChaosProcess } from "./process.ts";

/** The request queue. */
export const QUEUE = "chaos";
/** Names of connections begin so. */
export const CLIENT_PREFIX = "chaos client";
const SERVERS = 3;
const CLIENTS = 2;
const HEARTBEAT_MS = 1_000;
const SERVER_CONCURRENCY = 64;
const CLIENT_CONCURRENCY = 32;

/** Calls that all clients together may have under way. */
export const MOST_UNDER_WAY: number = CLIENTS * CLIENT_CONCURRENCY;

type ProcessSide = Exclude<Side, "both">;

/** How a world is made. */
export interface WorldOptions {
  calls: number;
  /** The shortest time that all calls may take, in ms. */
  durationMs: number;
  plainShare: number;
  queueType: "classic" | "quorum";
  /** How many nodes the broker has: a cluster, if there are several. */
  nodes: number;
}

/** Everything that faults are caused in. */
export class World implements AsyncDisposable {
  readonly ledger: Ledger;
  readonly servers: ChaosProcess[] = [];
  readonly clients: ChaosProcess[] = [];
  /** What processes had in their tables when they ended. */
  readonly tables: Remains["tables"][number][] = [];
  /** Replies that came to clients that no longer waited for them. */
  unknownReplies = 0;
  readonly #options: WorldOptions;
  readonly #nodes: readonly RabbitMq[];
  /** Each side's own way to each node. */
  readonly #proxies: Record<ProcessSide, readonly Proxy[]>;
  readonly #stack: AsyncDisposableStack;
  readonly #killed = new Set<RabbitMq>();
  readonly #broken = Promise.withResolvers<never>();
  readonly #consuming = Promise.withResolvers<void>();
  #blocked = Promise.withResolvers<void>();
  #allowed = 0;
  #serversStarted = 0;
  readonly #clientsDone = Array.from(
    { length: CLIENTS },
    () => Promise.withResolvers<void>(),
  );

  private constructor(
    nodes: readonly RabbitMq[],
    proxies: Record<ProcessSide, readonly Proxy[]>,
    stack: AsyncDisposableStack,
    ledger: Ledger,
    options: WorldOptions,
  ) {
    this.#nodes = nodes;
    this.#proxies = proxies;
    this.#stack = stack;
    this.ledger = ledger;
    this.#options = options;
    // Awaited beside other things, by whoever waits for anything.
    this.#broken.promise.catch(ignore);
  }

  /** Starts it all; one server consumes, the clients wait for `allow()`. */
  static async create(ledger: Ledger, options: WorldOptions): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const nodes = await startNodes(options.nodes, stack);
    const proxies = {
      clients: await startProxies(nodes, stack),
      servers: await startProxies(nodes, stack),
    };
    const world = new World(nodes, proxies, stack.move(), ledger, options);
    for (let slot = 0; slot < SERVERS; slot++) world.startServer(slot);
    for (let slot = 0; slot < CLIENTS; slot++) world.#startClient(slot);
    await Promise.race([world.#consuming.promise, world.broken]);
    return world;
  }

  /** Rejects when a process ends that should not. */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Resolves when a process says, from now on, that it is blocked. */
  get blocked(): Promise<void> {
    return this.#blocked.promise;
  }

  /** Resolves when all clients have made all their calls. */
  async clientsDone(): Promise<void> {
    await Promise.all(this.#clientsDone.map(({ promise }) => promise));
  }

  /** A node that runs, as far as is known. */
  get rabbitMq(): RabbitMq {
    return this.#nodes.find((node) => !this.#killed.has(node)) ??
      this.#nodes[0]!;
  }

  /** Kills a node, by its number from 0; the function returned starts it. */
  async killNode(number: number): Promise<() => Promise<void>> {
    const node = this.#nodes[number]!;
    this.#killed.add(node);
    await node.kill();
    return async () => {
      await node.start();
      this.#killed.delete(node);
    };
  }

  /** The proxies of a side. */
  proxies(side: Side): readonly Proxy[] {
    const { clients, servers } = this.#proxies;
    if (side === "both") return [...clients, ...servers];
    return this.#proxies[side];
  }

  /** Lets the clients make calls up to this number. */
  async allow(call: number): Promise<void> {
    this.#allowed = Math.max(this.#allowed, call);
    const line = String(this.#allowed);
    await Promise.all(this.clients.map((client) => client.write(line)));
  }

  /** Lets them make some more, for a fault that needs calls to be noticed. */
  async allowMore(): Promise<void> {
    await this.allow(this.#allowed + MOST_UNDER_WAY);
  }

  /** Starts a server in the place of another, or in a new one. */
  startServer(slot: number): ChaosProcess {
    const options: ServerArguments = {
      ...this.#connection("servers", ++this.#serversStarted, "chaos server"),
      queueType: this.#options.queueType,
      concurrency: SERVER_CONCURRENCY,
    };
    return this.servers[slot] = this.#start("server.ts", options, () => {});
  }

  #startClient(slot: number): void {
    const { calls, durationMs, plainShare } = this.#options;
    const options: ClientArguments = {
      ...this.#connection("clients", slot + 1, CLIENT_PREFIX),
      first: slot + 1,
      last: calls,
      step: CLIENTS,
      concurrency: CLIENT_CONCURRENCY,
      ratePerSecond: calls / (durationMs / 1000) / CLIENTS,
      plainShare,
    };
    const onEnd = this.#clientsDone[slot]!.resolve;
    this.clients[slot] = this.#start("client.ts", options, onEnd);
  }

  /** Each begins with another node. */
  #connection(
    side: ProcessSide,
    number: number,
    prefix: string,
  ): ConnectionArguments {
    const urls = this.#proxies[side].map((proxy, i) =>
      proxy.url(this.#nodes[i]!.url)
    );
    const first = number % urls.length;
    return {
      urls: [...urls.slice(first), ...urls.slice(0, first)],
      name: `${prefix} ${number}`,
      queue: QUEUE,
      heartbeatMs: HEARTBEAT_MS,
    };
  }

  #start(
    script: string,
    options: ConnectionArguments,
    onEnd: () => void,
  ): ChaosProcess {
    const process = new ChaosProcess(script, options, (line) => {
      this.#onLine(process, line);
      if (line.type === "end") onEnd();
    });
    process.ended.then(({ code, signal }) => {
      if (process.isToEnd) return;
      const how = signal ?? `status ${code}`;
      this.ledger.violation(
        `${process.name} ended with ${how}\n${process.stderrTail}`,
      );
      this.#broken.reject(new Error(`${process.name} ended with ${how}`));
    });
    return process;
  }

  #onLine(process: ChaosProcess, line: Line): void {
    switch (line.type) {
      case "outcome":
        return this.ledger.outcome(process.name, line);
      case "execution":
        return this.ledger.execution(process.name, line);
      case "executed":
        return this.ledger.executed(process.name, line);
      case "consuming":
        return this.#consuming.resolve();
      case "blocked":
        this.#blocked.resolve();
        this.#blocked = Promise.withResolvers();
        return;
      case "end":
        return this.#onEnd(process, line);
    }
  }

  #onEnd({ name }: ChaosProcess, { left, unknownReplies }: EndLine): void {
    this.unknownReplies += unknownReplies;
    const what = "calls or requests in its tables at its end";
    this.tables.push({ name, what, count: left });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const processes = [...this.servers, ...this.clients];
    await Promise.all(processes.map((it) => it[Symbol.asyncDispose]()));
    await this.#stack.disposeAsync();
  }
}

async function startNodes(
  count: number,
  stack: AsyncDisposableStack,
): Promise<readonly RabbitMq[]> {
  if (count > 1) return stack.use(await startCluster(count)).nodes;
  return [stack.use(await startRabbitMq())];
}

async function startProxies(
  nodes: readonly RabbitMq[],
  stack: AsyncDisposableStack,
): Promise<readonly Proxy[]> {
  const proxies = nodes.map(({ port }) => startProxy(port));
  return (await Promise.all(proxies)).map((proxy) => stack.use(proxy));
}

function ignore(): void {}
