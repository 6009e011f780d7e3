/** The broker itself: who is connected, what there is, and how it ends. */
import config from "../../deno.json" with { type: "json" };
import type { Broker, BrokerConnection, QueueState } from "./testing/api.ts";
import { SessionConnection } from "./testing/connection.ts";
import { blockFor, Fault, Faults, type PublishedTo } from "./testing/faults.ts";
import { Memory } from "./routing/memory.ts";
import type { Settings } from "./options.ts";
import type { Queue } from "./routing/queue.ts";
import { decodeText, encodeText } from "../amqp091/reader.ts";
import type { ClientStream } from "./connection/outgoing.ts";
import { Session, type SessionHost } from "./connection/session.ts";
import { VHost } from "./routing/vhost.ts";
import { type Truthy, type WaitOptions, Watch } from "./testing/watch.ts";

/** How often heartbeats and timeouts are looked at, in ms. */
const TICK_MS = 250;
/** How long `close` waits for clients to acknowledge it, in ms. */
const CLOSE_WAIT_MS = 500;
/** How long to wait when the system has no more file descriptors, in ms. */
const ACCEPT_PAUSE_MS = 50;

/** A broker; what a test may do with it is described in api.ts. */
export class EmbeddedBroker implements Broker, SessionHost {
  readonly version: string = config.version;
  readonly faults: Faults = new Faults();
  readonly watch: Watch = new Watch();
  readonly #vhosts: Map<string, VHost>;
  readonly #sessions = new Map<Session, BrokerConnection>();
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
      this.faults.blocks,
    );
    const changed = () => this.watch.changed();
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
    return [...this.#sessions].flatMap(([session, connection]) =>
      session.running ? [connection] : []
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
    return this.watch.until(condition, options);
  }

  block(reason = "low on memory"): Fault {
    return blockFor(reason, this.faults.blocks);
  }

  refuseLogins(matches: (user: string) => boolean = () => true): Fault {
    return new Fault(this.faults.refuseLogins(matches));
  }

  holdConfirms(): Fault {
    const release = this.faults.unconfirmed.add("held");
    return new Fault(() => {
      release();
      for (const session of this.#sessions.keys()) session.flushConfirms();
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
      throw new RangeError(`there is no queue "${name}" in vhost "${vhost}"`);
    }
    let count = 0;
    for (const session of this.#sessions.keys()) {
      count += session.takeBack(queue);
    }
    queue.pump();
    return count;
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.watch.close();
    this.#listener.close();
    await this.#accepting;
    const sessions = [...this.#sessions.keys()];
    for (const session of sessions) session.shutdown();
    await this.#waitFor(sessions.map((session) => session.done));
    for (const session of sessions) session.destroy();
    await Promise.all(sessions.map((session) => session.done));
    for (const vhost of this.#vhosts.values()) vhost.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
        // Too many open files, or gone before it was accepted: others go on.
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
  }

  #serve(conn: Deno.TcpConn): void {
    try {
      conn.setNoDelay(true);
    } catch {
      // Some systems refuse it for a connection that is gone already.
      conn.close();
      return;
    }
    this.take(conn);
  }

  /** Serves a client over a stream that somebody else has made. */
  take(stream: ClientStream): void {
    const session = new Session(this, stream);
    this.#sessions.set(session, new SessionConnection(session));
    this.#ticker ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.#sessions.keys()) each.tick(now);
      this.watch.changed();
    }, TICK_MS);
    void session.done.then(() => {
      this.#sessions.delete(session);
      this.watch.changed();
      if (this.#sessions.size > 0) return;
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    });
  }
}
