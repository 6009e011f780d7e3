/**
 * Turns URLs and options into complete, checked settings.
 *
 * @module
 */
import process from "node:process";
import { LONGEST_TIMER_MS } from "../async/timers.ts";
import { durationMs, wholeNumber } from "../rpc/limits.ts";
import type { BrokerAddress } from "./broker_address.ts";
import type { Password } from "./password.ts";
import type { ConnectionEvent } from "../rpc/transport.ts";
import type { Dial } from "./streams/byte_stream.ts";
import { dialDeno } from "./streams/deno.ts";
import { type TlsOptions, type TlsSettings, tlsSettings } from "./tls/tls.ts";
import { parseBrokerUrl } from "./url.ts";
import type { UrlParameters } from "./url_parameters.ts";

/** How to connect. */
export interface ConnectOptions {
  /** The user; wins over the one in the URL. */
  username?: string;
  /**
   * The password, or an OAuth 2 token; wins over the one in the URL. If it
   * changes, give a function that returns the current one. A new password is
   * sent to the broker over the open connection (`update-secret`).
   */
  password?: Password;
  /**
   * How often a `password` function is called while a connection lives, in ms;
   * 0: only before each connection is made.
   *
   * @default {30000}
   */
  passwordPollMs?: number;
  /**
   * How long one attempt to connect may take, login included, in ms; wins over
   * `connection_timeout` in the URL.
   *
   * @default {10000}
   */
  connectTimeoutMs?: number;
  /**
   * The heartbeat interval offered to the broker, in ms, whole seconds; wins
   * over `heartbeat` (in seconds) in the URL. The smaller interval of the two
   * sides is used, ours if the broker has none. The connection ends after a
   * silence of nearly twice as long. 0 turns heartbeats off.
   *
   * @default {20000}
   */
  heartbeatMs?: number;
  /** TLS for `amqps://` URLs; wins over what they say. */
  tls?: TlsOptions;
  /** The name that the broker shows for the connection. */
  name?: string;
  /**
   * Makes the stream of bytes that a connection is made over: for runtimes
   * other than Deno, and for tests.
   *
   * @default Deno's own sockets
   */
  dial?: Dial;
}

/**
 * What telemetry and the command line add to the options: they need the first
 * connection too, before its first use. Programs read `events()`.
 */
export interface ConnectHooks {
  /** Called with each event the moment it happens; must not throw. */
  onEvent?: (event: ConnectionEvent) => void;
}

/** A broker, with the settings of connections to it. */
export interface BrokerSettings extends BrokerAddress {
  /** How long one attempt to connect may take, in ms. */
  readonly connectTimeoutMs: number;
  /** The heartbeat interval, in seconds; 0 for none. */
  readonly heartbeatS: number;
  /** The most channels, if fewer than the broker allows. */
  readonly channelMax?: number;
  /** The largest frame in bytes, if the URL says so. */
  readonly frameMax?: number;
  /** What matters with TLS. */
  readonly tlsSettings: TlsSettings;
}

/** {@linkcode ConnectOptions}, complete, with the brokers to try in turn. */
export interface ConnectSettings {
  /** In the order in which they are tried. */
  readonly brokers: readonly BrokerSettings[];
  /** How often a password function is called on a connection; 0 for never. */
  readonly passwordPollMs: number;
  /** The name that the broker shows for the connection. */
  readonly name: string;
  /** See {@linkcode ConnectHooks}. */
  readonly onEvent: (event: ConnectionEvent) => void;
  /** Makes the stream of bytes that a connection is made over. */
  readonly dial: Dial;
}

/** The default broker. */
export const DEFAULT_URL = "amqp://guest:guest@localhost:5672";

const DEFAULT_CONNECT_TIMEOUT_S = 10;
const DEFAULT_HEARTBEAT_S = 20;
const DEFAULT_PASSWORD_POLL_MS = 30_000;

/** Reads a file that a URL names. */
export type ReadFile = (path: string, parameter: string) => Uint8Array;

/**
 * Checks everything at once, before anything is connected.
 *
 * @param readFile reads the PEM files that URLs name (`cacertfile`, `certfile`,
 * `keyfile`)
 * @throws {RangeError} naming the option and its value, without a password.
 */
export function connectSettings(
  urls: string | readonly string[],
  options: ConnectOptions & ConnectHooks = {},
  readFile: ReadFile = readFileOfUrl,
): ConnectSettings {
  const list = typeof urls === "string" ? splitUrls(urls) : urls;
  if (list.length === 0) throw new RangeError("url must name a broker");
  const { passwordPollMs = DEFAULT_PASSWORD_POLL_MS } = options;
  const brokers = list.map((url) =>
    brokerSettings(url.trim(), options, readFile)
  );
  if (!brokers.some(({ tls }) => tls)) refuseTls(options.tls);
  return {
    brokers,
    passwordPollMs: wholeNumber(
      "passwordPollMs",
      passwordPollMs,
      0,
      LONGEST_TIMER_MS,
    ),
    name: options.name ?? "rabbit-rpc",
    onEvent: options.onEvent ?? (() => {}),
    dial: options.dial ?? dialDeno,
  };
}

/** TLS options must not be ignored silently. */
function refuseTls(options: TlsOptions = {}): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === false) continue;
    throw new RangeError(`${name} needs a URL with amqps://, got amqp://`);
  }
}

/** Splits at commas before a scheme: a password may contain commas. */
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

function brokerSettings(
  text: string,
  options: ConnectOptions,
  readFile: ReadFile,
): BrokerSettings {
  const { parameters, ...url } = parseBrokerUrl(text);
  const { connectTimeoutMs, heartbeatS, channelMax, frameMax } = parameters;
  const { mechanism = "PLAIN" } = parameters;
  const tls = tlsSettings(tlsOptions(options.tls, parameters, readFile));
  if (mechanism === "EXTERNAL") needCertificate(url.tls, tls);
  return {
    ...url,
    mechanism,
    username: options.username ?? (url.username || "guest"),
    password: options.password ?? (url.password || "guest"),
    connectTimeoutMs: durationMs(
      "connectTimeoutMs",
      options.connectTimeoutMs ?? connectTimeoutMs ??
        DEFAULT_CONNECT_TIMEOUT_S * 1000,
      LONGEST_TIMER_MS,
    ),
    heartbeatS: heartbeatSeconds(
      options.heartbeatMs ?? (heartbeatS ?? DEFAULT_HEARTBEAT_S) * 1000,
    ),
    ...(channelMax !== undefined && { channelMax }),
    ...(frameMax !== undefined && { frameMax }),
    tlsSettings: tls,
  };
}

/** EXTERNAL takes the place of user and password. */
function needCertificate(tls: boolean, { client }: TlsSettings): void {
  if (tls && client) return;
  throw new RangeError(
    "auth_mechanism=external logs in with a client certificate: it needs " +
      "amqps:// and a certificate with its key",
  );
}

/** An option wins over the URL; a certificate and its key go together. */
function tlsOptions(
  options: TlsOptions = {},
  { caCertFile, certFile, keyFile, servername, insecure }: UrlParameters,
  readFile: ReadFile,
): TlsOptions {
  const read = (path: string | undefined, parameter: string) =>
    path === undefined ? undefined : readFile(path, parameter);
  const { cert, key } = options.cert || options.key ? options : {
    cert: read(certFile, "certfile"),
    key: read(keyFile, "keyfile"),
  };
  return {
    caCert: options.caCert ?? read(caCertFile, "cacertfile"),
    cert,
    key,
    servername: options.servername ?? servername,
    insecure: options.insecure ?? insecure,
  };
}

function readFileOfUrl(path: string, parameter: string): Uint8Array {
  try {
    // Loaded only if needed: most URLs name no file.
    return process.getBuiltinModule("node:fs").readFileSync(path);
  } catch (cause) {
    const { message, name } = cause as Error;
    // A missing permission of this program is not the URL's fault.
    if (name === "NotCapable") throw cause;
    throw new RangeError(
      `${parameter} of the url can't be read: ${message}`,
      { cause },
    );
  }
}
