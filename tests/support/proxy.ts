// A TCP proxy that makes a network fail: cuts, stalls, refuses.

import { freePort } from "./ports.ts";

/** Up: from the client to the target. Down: from the target to the client. */
export type Direction = "up" | "down";

/** A loopback TCP proxy before one port. */
export interface Proxy extends AsyncDisposable {
  /** The port to connect to, on 127.0.0.1. It stays the same. */
  readonly port: number;
  /** `baseUrl` with the proxy as its host. */
  url(baseUrl: string): string;
  /** Closes all connections now, stalled or not, at both ends. */
  cut(): void;
  /**
   * Forwards nothing more in a direction, until `resume()`: neither bytes nor
   * the end of a connection. Connections stay open and nothing is lost, as on
   * a link that is down for a while. It holds for new connections too.
   */
  stall(direction: Direction | "both"): void;
  /** Ends all stalls; what was held back is forwarded. */
  resume(): void;
  /** Refuses new connections (or accepts them again); open ones stay. */
  refuse(refused: boolean): Promise<void>;
  /** How many connections are open. */
  readonly connections: number;
  /** Bytes forwarded to the target. */
  readonly bytesUp: number;
  /** Bytes forwarded to the client. */
  readonly bytesDown: number;
}

/** Starts a proxy before `targetPort` of 127.0.0.1. */
export async function startProxy(targetPort: number): Promise<Proxy> {
  for (;;) {
    const proxy = new TcpProxy(targetPort);
    try {
      await proxy.refuse(false);
      return proxy;
    } catch (error) {
      // Another test may have taken the port meanwhile.
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** What an end of a connection says when it is gone, in whatever way. */
const CLOSED = [
  Deno.errors.BadResource,
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionAborted,
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.Interrupted,
  Deno.errors.NotConnected,
];

function isClosed(error: unknown): boolean {
  return CLOSED.some((kind) => error instanceof kind);
}

/** A door that what passes in one direction goes through. */
class Gate {
  #opening: PromiseWithResolvers<void> | undefined;

  shut(): void {
    this.#opening ??= Promise.withResolvers<void>();
  }

  open(): void {
    this.#opening?.resolve();
    this.#opening = undefined;
  }

  async passed(): Promise<void> {
    // It may have been shut again before this wakes up.
    while (this.#opening) await this.#opening.promise;
  }
}

class TcpProxy implements Proxy {
  readonly port: number = freePort();
  readonly gates: Record<Direction, Gate> = {
    up: new Gate(),
    down: new Gate(),
  };
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 };
  readonly #targetPort: number;
  readonly #links = new Set<Link>();
  readonly #tasks = new Set<Promise<void>>();
  #listener: Deno.TcpListener | undefined;
  #accepting: Promise<void> | undefined;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  get connections(): number {
    return this.#links.size;
  }

  get bytesUp(): number {
    return this.bytes.up;
  }

  get bytesDown(): number {
    return this.bytes.down;
  }

  url(baseUrl: string): string {
    const url = new URL(baseUrl);
    url.hostname = "127.0.0.1";
    url.port = String(this.port);
    return url.href;
  }

  cut(): void {
    for (const link of this.#links) link.close();
  }

  stall(direction: Direction | "both"): void {
    if (direction !== "down") this.gates.up.shut();
    if (direction !== "up") this.gates.down.shut();
  }

  resume(): void {
    this.gates.up.open();
    this.gates.down.open();
  }

  async refuse(refused: boolean): Promise<void> {
    if (refused) {
      this.#listener?.close();
      this.#listener = undefined;
      // The port is free only when the accept() under way has ended.
      await this.#accepting;
    } else if (!this.#listener) {
      this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
      this.#accepting = this.#accept(this.#listener);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse(true);
    // Again each time, since a link may just be on its way to the target.
    while (this.#tasks.size > 0) {
      this.cut();
      this.resume();
      await Promise.race(this.#tasks);
    }
  }

  /** Keeps a task for the end, which waits for it and shows its failure. */
  #track(task: Promise<void>): void {
    const tracked = task.finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for await (const client of listener) this.#track(this.#serve(client));
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    using link = new Link(this, client);
    this.#links.add(link);
    try {
      await link.run(this.#targetPort);
    } catch (error) {
      if (!isClosed(error)) throw error;
    } finally {
      this.#links.delete(link);
    }
  }
}

/** A connection of a client, and the one to the target that goes with it. */
class Link implements Disposable {
  readonly #proxy: TcpProxy;
  readonly #client: Deno.Conn;
  #target: Deno.TcpConn | undefined;
  #closed = false;

  constructor(proxy: TcpProxy, client: Deno.TcpConn) {
    this.#proxy = proxy;
    this.#client = client;
    client.setNoDelay(true);
  }

  /** Forwards until both ends have said all, or are closed. */
  async run(targetPort: number): Promise<void> {
    const address = { hostname: "127.0.0.1", port: targetPort };
    using target = await Deno.connect(address);
    // Cut while it was connecting.
    if (this.#closed) return;
    this.#target = target;
    target.setNoDelay(true);
    await Promise.all([
      this.#pump("up", this.#client, target),
      this.#pump("down", target, this.#client),
    ]);
  }

  close(): void {
    this.#closed = true;
    this.#client[Symbol.dispose]();
    this.#target?.[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What happens at `from` is told to `to`, once the gate lets it pass. */
  async #pump(
    direction: Direction,
    from: Deno.Conn,
    to: Deno.Conn,
  ): Promise<void> {
    const { gates, bytes } = this.#proxy;
    const buffer = new Uint8Array(65_536);
    while (true) {
      const count = await unlessClosed(() => from.read(buffer));
      await gates[direction].passed();
      if (count === "closed") return this.close();
      if (count === null) return await this.#end(to);
      const written = await unlessClosed(() =>
        writeAll(to, buffer.subarray(0, count))
      );
      if (written === "closed") {
        // That `to` is gone is news on its way to `from`: the other direction.
        await gates[direction === "up" ? "down" : "up"].passed();
        return this.close();
      }
      bytes[direction] += count;
    }
  }

  async #end(to: Deno.Conn): Promise<void> {
    if (await unlessClosed(() => to.closeWrite()) === "closed") this.close();
  }
}

async function unlessClosed<T>(
  action: () => Promise<T>,
): Promise<T | "closed"> {
  try {
    return await action();
  } catch (error) {
    if (isClosed(error)) return "closed";
    throw error;
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await to.write(bytes.subarray(sent));
  }
}
