/**
 * `--health ADDR`: serves over HTTP whether the server is alive (`/healthz`) and
 * whether it is consuming requests (`/readyz`), for supervisors.
 *
 * @module
 */
import { redactUrls } from "../../amqp/redact.ts";
import type { Service } from "../../procedures/service.ts";
import { formatMs } from "../../rpc/texts.ts";
import type { ServerEvent } from "../../rpc/serving/server_events.ts";
import type { ConnectionEvent } from "../../rpc/transport.ts";
import {
  ALL_IPV4_ADDRESSES,
  hostAndPort,
  lacksIpv6,
  type ListenAddress,
  listenFailure,
} from "../address.ts";
import type { Log } from "../log.ts";
import { jsonLine } from "../printable.ts";

/** How long the event loop may be blocked. */
const LAG_LIMIT_MS = 1_000;
const TICK_MS = 250;

const HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  // No connection is kept open between two probes.
  "connection": "close",
};

/** By path, a check that returns what is wrong; undefined if all is well. */
type Checks = Record<string, () => string | undefined>;

/** Serves the health of a server, until it is disposed of. */
export class Health implements AsyncDisposable {
  readonly #lag = new EventLoopLag();
  readonly #closing = new AbortController();
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  /** Why the server is not ready; undefined if it is. */
  #problem: string | undefined = "not connected to the broker yet";
  #isDraining = false;
  #service: Service | undefined;

  /**
   * Listens at once. With port 0, logs the address.
   *
   * @throws {CliError} if it can't listen there.
   */
  constructor(address: ListenAddress, log: Log) {
    const checks: Checks = {
      "/healthz": () => this.#lag.problem,
      "/readyz": () => this.#problem ?? this.#service?.problem?.(),
    };
    try {
      this.#http = this.#listen(address, (request) => respond(request, checks));
    } catch (error) {
      this.#lag.stop();
      throw listenFailure(
        error,
        address,
        "Choose another address for --health.",
      );
    }
    if (address.port === 0) {
      const { hostname, port } = this.#http.addr;
      log.info(`serving health at http://${hostAndPort(hostname, port)}`);
    }
  }

  /** From now on, includes the problems of what is served. */
  watch(service: Service): void {
    this.#service = service;
  }

  /** Takes an event of the connection. */
  onConnection(event: ConnectionEvent): void {
    switch (event.type) {
      case "connected":
        return this.#setProblem("connected, but not consuming yet");
      case "unreachable":
        return this.#setProblem(event.error.message);
      case "lost":
        return this.#setProblem(`lost the connection to ${event.broker}`);
    }
  }

  /** Takes an event of the server. */
  onServer(event: ServerEvent): void {
    switch (event.type) {
      case "consuming":
        if (!this.#isDraining) this.#problem = undefined;
        return;
      case "interrupted":
        return this.#setProblem(event.error.message);
      case "draining":
        this.#setProblem("draining");
        this.#isDraining = true;
    }
  }

  /** Stops listening, and cuts off open requests. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lag.stop();
    this.#closing.abort();
    await this.#http.finished;
  }

  #listen(
    address: ListenAddress,
    handler: (request: Request) => Response,
  ): Deno.HttpServer<Deno.NetAddr> {
    const { signal } = this.#closing;
    const at = ({ hostname, port }: ListenAddress) =>
      Deno.serve({ hostname, port, signal, onListen() {} }, handler);
    try {
      return at(address);
    } catch (error) {
      if (!lacksIpv6(address, error)) throw error;
      return at({ ...address, hostname: ALL_IPV4_ADDRESSES });
    }
  }

  #setProblem(why: string): void {
    if (!this.#isDraining) this.#problem = why;
  }
}

function respond({ method, url }: Request, checks: Checks): Response {
  const { pathname } = new URL(url);
  if (!Object.hasOwn(checks, pathname)) {
    return respondWith(404, `use ${Object.keys(checks).join(" or ")}`);
  }
  if (method !== "GET" && method !== "HEAD") {
    return respondWith(405, "use GET or HEAD");
  }
  const why = checks[pathname]!();
  return why === undefined ? respondWith(200) : respondWith(503, why);
}

function respondWith(status: number, why?: string): Response {
  const body = status === 200
    ? { status: "ok" }
    : { status: status === 503 ? "unavailable" : "error", why };
  const text = redactUrls(jsonLine(body));
  return new Response(`${text}\n`, { status, headers: HEADERS });
}

/** Measures how late a regular timer fires. */
class EventLoopLag {
  #dueMs = performance.now() + TICK_MS;
  #lastMs = 0;
  readonly #timer = setInterval(() => {
    this.#lastMs = this.#lateMs;
    this.#dueMs = performance.now() + TICK_MS;
  }, TICK_MS);

  /** Undefined if it was late by no more than the limit. */
  get problem(): string | undefined {
    // A request may be served before a timer that is late as well.
    const lagMs = Math.max(this.#lastMs, this.#lateMs);
    if (lagMs <= LAG_LIMIT_MS) return undefined;
    return `the event loop was blocked for ${formatMs(Math.round(lagMs))} ` +
      `(limit: ${formatMs(LAG_LIMIT_MS)})`;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get #lateMs(): number {
    return Math.max(performance.now() - this.#dueMs, 0);
  }
}
