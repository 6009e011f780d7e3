/**
 * Turns URLs and options into complete, checked settings, and keeps
 * credentials out of whatever is shown.
 *
 * @module
 */
import type { ConnectionEvent } from "../rpc/transport.ts";
import { type TlsOptions, type TlsSettings, tlsSettings } from "./tls/tls.ts";
import { durationMs, LONGEST_TIMER_MS, wholeNumber } from "../rpc/limits.ts";

/** How to connect. */
export interface ConnectOptions {
  /** The user; wins over the one in the URL. */
  username?: string;
  /** The password; wins over the one in the URL. */
  password?: string;
  /**
   * How long one attempt to connect may take, login included, in ms.
   *
   * @default {10000}
   */
  connectTimeoutMs?: number;
  /**
   * The heartbeat interval offered to the broker, in ms, whole seconds; the
   * smaller of both sides' is taken. A silence of nearly twice as long ends
   * the connection. 0 turns heartbeats off.
   *
   * @default {20000}
   */
  heartbeatMs?: number;
  /** For `amqps://` URLs; see {@linkcode TlsOptions}. */
  tls?: TlsOptions;
  /** The name that the broker shows for the connection. */
  name?: string;
  /** Hears what becomes of the connection; must not throw. */
  onEvent?: (event: ConnectionEvent) => void;
}

/** Where a broker is and how to log in. */
export interface BrokerAddress {
  /** A name or an address; of IPv6 without brackets. */
  readonly hostname: string;
  /** That of the URL, or the protocol's own: 5672, 5671 with TLS. */
  readonly port: number;
  /** Whether the URL was `amqps://`. */
  readonly tls: boolean;
  /** The virtual host, `/` by default. */
  readonly vhost: string;
  /** The user who logs in. */
  readonly username: string;
  /** In the clear: see that it is not shown. */
  readonly password: string;
}

/** {@linkcode ConnectOptions}, complete, with the brokers to try in turn. */
export interface ConnectSettings {
  /** In the order in which they are tried. */
  readonly brokers: readonly BrokerAddress[];
  /** How long one attempt to connect may take, in ms. */
  readonly connectTimeoutMs: number;
  /** The heartbeat interval, in seconds; 0 for none. */
  readonly heartbeatS: number;
  /** For brokers with TLS. */
  readonly tls: TlsSettings;
  /** The name that the broker shows for the connection. */
  readonly name: string;
  /** Hears what becomes of the connection. */
  readonly onEvent: (event: ConnectionEvent) => void;
}

/** Where a broker is looked for when nothing else is said. */
export const DEFAULT_URL = "amqp://guest:guest@localhost:5672";

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_HEARTBEAT_MS = 20_000;

/**
 * Checks everything at once, before anything is connected.
 *
 * @throws {RangeError} naming the option and its value, without a password.
 */
export function connectSettings(
  urls: string | readonly string[],
  options: ConnectOptions = {},
): ConnectSettings {
  const list = typeof urls === "string" ? splitUrls(urls) : urls;
  if (list.length === 0) throw new RangeError("url must name a broker");
  const brokers = list.map((url) => brokerAddress(url.trim(), options));
  if (!brokers.some(({ tls }) => tls)) refuseTls(options.tls);
  return {
    brokers,
    connectTimeoutMs: durationMs(
      "connectTimeoutMs",
      options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      LONGEST_TIMER_MS,
    ),
    heartbeatS: heartbeatSeconds(options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS),
    tls: tlsSettings(options.tls),
    name: options.name ?? "rabbit-rpc",
    onEvent: options.onEvent ?? (() => {}),
  };
}

/** Whoever asks for TLS must not be left with plain text. */
function refuseTls(options: TlsOptions = {}): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === false) continue;
    throw new RangeError(`${name} needs a URL with amqps://, got amqp://`);
  }
}

/** At commas before a scheme: a password may have commas of its own. */
export function splitUrls(urls: string): string[] {
  return urls.split(/,(?=\s*amqps?:\/\/)/);
}

function heartbeatSeconds(heartbeatMs: number): number {
  if (heartbeatMs % 1000 !== 0) {
    throw new RangeError(
      `heartbeatMs must be whole seconds (the protocol knows no less), ` +
        `got ${heartbeatMs}`,
    );
  }
  return wholeNumber("heartbeatMs", heartbeatMs, 0, 65_535_000) / 1000;
}

function brokerAddress(text: string, options: ConnectOptions): BrokerAddress {
  const url = parseUrl(text);
  const tls = url.protocol === "amqps:";
  return {
    // The URL parser keeps the brackets of an IPv6 address.
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1") || "localhost",
    port: Number(url.port) || (tls ? 5671 : 5672),
    tls,
    vhost: decodePart(url.pathname.slice(1)) || "/",
    username: options.username ?? (decodePart(url.username) || "guest"),
    password: options.password ?? (decodePart(url.password) || "guest"),
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^amqps?:\/\//i.test(text)) return url;
  const scheme = /^[a-z]+:\/\//i.exec(text)?.[0];
  throw new RangeError(
    "url must look like amqp://user@host:5672/vhost (or amqps://), got " +
      (scheme ? `one with ${scheme} ` : "something else ") +
      "(not shown, since it may hold a password)",
  );
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RangeError(
      "url must be percent-encoded UTF-8; write %25 for a % itself " +
        "(not shown, since it may hold a password)",
    );
  }
}

/** A URL with any password as `***`; nothing of what is no URL. */
export function redactUrl(text: string): string {
  if (!URL.canParse(text)) return "(not a URL)";
  const url = new URL(text);
  if (url.password !== "") url.password = "***";
  return url.href;
}

/** A text that may hold URLs, with their passwords as `***`. */
export function redactUrls(text: string): string {
  return text.replace(/([a-z][a-z\d+.-]*:\/\/[^\s:/]*):\S*@/gi, "$1:***@");
}

/** The URL of a broker, with the user and without the password. */
export function brokerUrl(broker: BrokerAddress): string {
  const scheme = broker.tls ? "amqps" : "amqp";
  const user = encodeURIComponent(broker.username);
  const vhost = broker.vhost === "/" ? "" : encodeURIComponent(broker.vhost);
  return `${scheme}://${user}@${brokerName(broker)}/${vhost}`;
}

/** `host:port`, as errors name a broker. */
export function brokerName(broker: BrokerAddress): string {
  const { hostname, port } = broker;
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
