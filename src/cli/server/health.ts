/**
 * `--health ADDR`: tells over HTTP whether a server is alive (`/healthz`) and
 * whether it takes requests (`/readyz`), as supervisors and balancers ask it.
 *
 * @module
 */
import { redactUrls } from "../../amqp/redact.ts";
import type { Service } from "../../procedures/service.ts";
import { formatMs } from "../../rpc/texts.ts";
import type { ServerEvent } from "../../rpc/serving/serve_options.ts";
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

/** How late the event loop may be. */
const LAG_LIMIT_MS = 1_000;
const TICK_MS = 250;

const HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  // Whoever asks holds no connection in between.
  "connection": "close",
};

/** What is asked for, by path: why it is not so; undefined where it is. */
type Checks = Record<string, () => string | undefined>;

/** A server's health, and where it is told until this is disposed of. */
export class Health implements AsyncDisposable {
  readonly #lag = new EventLoopLag();
  readonly #closing = new AbortController();
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  /** Why it is not ready; undefined where it is. */
  #unready: string | undefined = "not connected to a broker yet";
  #isDraining = false;
  #service: Service | undefined;

  /**
   * Listens at once; with port 0 it says where.
   *
   * @throws {CliError} where it can't listen there.
   */
  constructor(address: ListenAddress, log: Log) {
    const checks: Checks = {
      "/healthz": () => this.#lag.problem,
      "/readyz": () => this.#unready ?? this.#service?.problem?.(),
    };
    try {
      this.#http = this.#listen(address, (request) => respond(request, checks));
    } catch (error) {
      this.#lag.stop();
      throw listenFailure(error, address, "Give another address to --health.");
    }
    if (address.port === 0) {
      const { hostname, port } = this.#http.addr;
      log.info(`health is told at http://${hostAndPort(hostname, port)}`);
    }
  }

  /** Tells of what is served as well, from now on. */
  watch(service: Service): void {
    this.#service = service;
  }

  /** Hears of the connection. */
  onConnection(event: ConnectionEvent): void {
    switch (event.type) {
      case "connected":
        return this.#notReady("connected, but not consuming yet");
      case "unreachable":
        return this.#notReady(event.error.message);
      case "lost":
        return this.#notReady(`lost the connection to ${event.broker}`);
    }
  }

  /** Hears of the server. */
  onServer(event: ServerEvent): void {
    switch (event.type) {
      case "consuming":
        if (!this.#isDraining) this.#unready = undefined;
        return;
      case "interrupted":
        return this.#notReady(event.error.message);
      case "draining":
        this.#notReady("draining");
        this.#isDraining = true;
    }
  }

  /** Stops listening; requests under way are cut. */
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

  #notReady(why: string): void {
    if (!this.#isDraining) this.#unready = why;
  }
}

function respond({ method, url }: Request, checks: Checks): Response {
  const { pathname } = new URL(url);
  if (!Object.hasOwn(checks, pathname)) {
    return tell(404, `there are ${Object.keys(checks).join(" and ")}`);
  }
  if (method !== "GET" && method !== "HEAD") {
    return tell(405, "it can be read only");
  }
  const why = checks[pathname]!();
  return why === undefined ? tell(200) : tell(503, why);
}

function tell(status: number, why?: string): Response {
  const body = status === 200
    ? { status: "ok" }
    : { status: status === 503 ? "unavailable" : "error", why };
  const text = redactUrls(jsonLine(body));
  return new Response(`${text}\n`, { status, headers: HEADERS });
}

/** By how much a timer is late that should go off all the time. */
class EventLoopLag {
  #dueMs = performance.now() + TICK_MS;
  #lastMs = 0;
  readonly #timer = setInterval(() => {
    this.#lastMs = this.#lateMs;
    this.#dueMs = performance.now() + TICK_MS;
  }, TICK_MS);

  /** Undefined where it was late by no more than the limit. */
  get problem(): string | undefined {
    // A request may be served before the timer, once both are late.
    const lagMs = Math.max(this.#lastMs, this.#lateMs);
    if (lagMs <= LAG_LIMIT_MS) return undefined;
    return `the event loop was blocked for ${formatMs(Math.round(lagMs))} ` +
      `(${formatMs(LAG_LIMIT_MS)} at most)`;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get #lateMs(): number {
    return Math.max(performance.now() - this.#dueMs, 0);
  }
}
