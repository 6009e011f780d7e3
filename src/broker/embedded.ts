/** The broker itself: listens, keeps its connections, and stops. */
import config from "../../deno.json" with { type: "json" };
import { decodeText, encodeText } from "../amqp091/reader.ts";
import { ClientConnection } from "./connection/client.ts";
import type { ConnectionHost } from "./connection/host.ts";
import type { ClientStream } from "./connection/outgoing.ts";
import type { Settings } from "./options.ts";
import { Memory } from "./routing/memory.ts";
import type { Queue } from "./routing/queue.ts";
import { VHost } from "./routing/vhost.ts";
import type { Broker, BrokerConnection, QueueState } from "./testing/api.ts";
import { TestedConnection } from "./testing/connection.ts";
import {
  checkReason,
  Fault,
  Faults,
  type PublishedTo,
} from "./testing/faults.ts";
import { type Truthy, type WaitOptions, Watch } from "./testing/watch.ts";

/** How often heartbeats and timeouts are checked, in ms. */
const TICK_MS = 250;
/** How long `close` waits for clients to acknowledge it, in ms. */
const CLOSE_WAIT_MS = 500;
/** How long to wait when no connection can be accepted, in ms. */
const ACCEPT_PAUSE_MS = 50;

/** A running broker; testing/api.ts describes what a test can do with it. */
export class EmbeddedBroker implements Broker, ConnectionHost {
  readonly version: string = config.version;
  readonly faults: Faults = new Faults();
  readonly #watch = new Watch();
  readonly #vhosts: Map<string, VHost>;
  readonly #connections = new Map<ClientConnection, TestedConnection>();
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(
    readonly settings: Settings,
    listener: Deno.TcpListener,
  ) {
    this.#listener = listener;
    const memory = new Memory(
      settings.memoryHighWatermark,
      this.faults.publishing,
    );
    const changed = () => this.changed();
    this.#vhosts = new Map(settings.vhosts.map((name) => {
      const vhost = encodeText(name);
      return [vhost, new VHost(vhost, settings.behavior, memory, changed)];
    }));
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get url(): string {
    const { hostname, users } = this.settings;
    const [first] = users;
    const login = first
      ? [first[0], first[1].password].map(encodeURIComponent).join(":") + "@"
      : "";
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    const vhost = this.#vhost;
    const path = vhost === "/" ? "" : `/${encodeURIComponent(vhost)}`;
    return `amqp://${login}${host}:${this.port}${path}`;
  }

  get connections(): BrokerConnection[] {
    return [...this.#connections].flatMap(([connection, tested]) =>
      connection.running ? [tested] : []
    );
  }

  queue(name: string, vhost = this.#vhost): QueueState | undefined {
    const queue = this.#findQueue(name, vhost);
    return queue && {
      name: decodeText(queue.name),
      ready: queue.ready,
      unacknowledged: queue.unacknowledged,
      consumers: queue.consumers.size,
    };
  }

  waitFor<T>(
    condition: () => T,
    options: WaitOptions = {},
  ): Promise<Truthy<T>> {
    return this.#watch.until(condition, options);
  }

  block(reason = "low on memory"): Fault {
    checkReason(reason);
    return new Fault(this.faults.publishing.close(reason));
  }

  refuseLogins(matches: (user: string) => boolean = () => true): Fault {
    return new Fault(this.faults.refuseLogins(matches));
  }

  holdConfirms(): Fault {
    const release = this.faults.confirms.close("held");
    return new Fault(() => {
      release();
      for (const each of this.#connections.keys()) each.flushConfirms();
    });
  }

  nackPublishes(
    matches: (published: PublishedTo) => boolean = () => true,
  ): Fault {
    return new Fault(this.faults.nack(matches));
  }

  redeliver(name: string, vhost = this.#vhost): number {
    const queue = this.#findQueue(name, vhost);
    if (queue === undefined) {
      throw new RangeError(`no queue "${name}" in vhost "${vhost}"`);
    }
    let count = 0;
    for (const { open } of this.#connections.keys()) {
      count += open?.channels.takeBack(queue) ?? 0;
    }
    queue.pump();
    return count;
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    this.#listener.close();
    await this.#accepting;
    const connections = [...this.#connections.keys()];
    for (const connection of connections) connection.shutdown();
    await this.#waitFor(connections.map(({ done }) => done));
    for (const connection of connections) connection.destroy();
    await Promise.all(connections.map(({ done }) => done));
    for (const vhost of this.#vhosts.values()) vhost.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  changed(): void {
    this.#watch.changed();
  }

  findVhost(name: string): VHost | undefined {
    return this.#vhosts.get(name);
  }

  /** The virtual host in the URL. */
  get #vhost(): string {
    const { vhosts } = this.settings;
    return vhosts.includes("/") ? "/" : vhosts[0];
  }

  #findQueue(name: string, vhost: string): Queue | undefined {
    return this.findVhost(encodeText(vhost))?.findQueue(encodeText(name));
  }

  async #waitFor(all: Promise<void>[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_WAIT_MS);
    await Promise.race([Promise.all(all), promise]);
    clearTimeout(timer);
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#serve(await this.#listener.accept());
      } catch (error) {
        if (this.#closed || error instanceof Deno.errors.BadResource) return;
        // Too many open files, or a client that has gone already: go on.
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  #serve(conn: Deno.TcpConn): void {
    try {
      conn.setNoDelay(true);
    } catch {
      // Some systems refuse this for a connection that has ended already.
      conn.close();
      return;
    }
    this.take(conn);
  }

  /** Serves a client over a stream that is already connected. */
  take(stream: ClientStream): void {
    const connection = new ClientConnection(this, stream);
    this.#connections.set(connection, new TestedConnection(connection));
    this.#ticker ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.#connections.keys()) each.tick(now);
      this.changed();
    }, TICK_MS);
    void connection.done.then(() => {
      this.#connections.delete(connection);
      this.changed();
      if (this.#connections.size > 0) return;
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    });
  }
}
