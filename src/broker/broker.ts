/**
 * The development broker: AMQP 0-9-1 in memory, for trying things out and for
 * tests. Nothing is kept when it stops, "durable" or not.
 */
import config from "../../deno.json" with { type: "json" };
import { type BrokerOptions, type Settings, settingsOf } from "./options.ts";
import { encodeText } from "./reader.ts";
import { Session, type SessionHost } from "./session.ts";
import { VHost } from "./vhost.ts";

export type { BrokerOptions } from "./options.ts";

/** How often heartbeats and timeouts are looked at, in ms. */
const TICK_MS = 250;
/** How long `close` waits for clients to acknowledge it, in ms. */
const CLOSE_WAIT_MS = 500;
/** How long to wait when the system has no more file descriptors, in ms. */
const ACCEPT_PAUSE_MS = 50;

/** A running broker. */
export class Broker implements SessionHost, AsyncDisposable {
  readonly settings: Settings;
  readonly version: string = config.version;
  readonly #listener: Deno.TcpListener;
  readonly #vhosts: Map<string, VHost>;
  readonly #sessions = new Set<Session>();
  readonly #accepting: Promise<void>;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  /** Use `startBroker`. */
  constructor(settings: Settings, listener: Deno.TcpListener) {
    this.settings = settings;
    this.#listener = listener;
    this.#vhosts = new Map(settings.vhosts.map((name) => {
      const vhost = encodeText(name);
      return [vhost, new VHost(vhost)];
    }));
    this.#accepting = this.#accept();
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** The URL to give to clients, with the first user's name and password. */
  get url(): string {
    const [user] = this.settings.users;
    const login = user ? `${user.map(encodeURIComponent).join(":")}@` : "";
    const { hostname } = this.settings;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    const { vhosts } = this.settings;
    const path = vhosts.includes("/")
      ? ""
      : `/${encodeURIComponent(vhosts[0])}`;
    return `amqp://${login}${host}:${this.port}${path}`;
  }

  findVhost(name: string): VHost | undefined {
    return this.#vhosts.get(name);
  }

  /** Closes all connections, forgets everything, and frees the port. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    await this.#accepting;
    const sessions = [...this.#sessions];
    for (const session of sessions) session.shutdown();
    await this.#waitFor(sessions.map((session) => session.done));
    for (const session of sessions) session.destroy();
    await Promise.all(sessions.map((session) => session.done));
    for (const vhost of this.#vhosts.values()) vhost.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
    const session = new Session(this, conn);
    this.#sessions.add(session);
    this.#ticker ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.#sessions) each.tick(now);
    }, TICK_MS);
    void session.done.then(() => {
      this.#sessions.delete(session);
      if (this.#sessions.size > 0) return;
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    });
  }
}

/**
 * Starts a broker.
 *
 * @example
 * ```ts
 * import { startBroker } from "./broker.ts";
 *
 * await using broker = await startBroker();
 * console.log(broker.url); // amqp://guest:guest@127.0.0.1:...
 * ```
 *
 * @throws {RangeError} naming an option that is out of its range.
 * @throws {Deno.errors.AddrInUse} if the port is taken.
 */
export function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  return Promise.try(() => {
    const settings = settingsOf(options);
    const { hostname, port } = settings;
    return new Broker(settings, Deno.listen({ hostname, port }));
  });
}
