/**
 * The query parameters of a broker's URL, as RabbitMQ's URI specification
 * names them.
 *
 * @module
 */
import { LONGEST_TIMER_MS } from "../async/timers.ts";
import { checkOneOf } from "../rpc/limits.ts";

/**
 * How to log in (SASL): with user and password, or with the client certificate
 * alone, which tells RabbitMQ who it is.
 */
export type Mechanism = "PLAIN" | "EXTERNAL";

/** What a URL can set besides address and login. */
export interface UrlParameters {
  readonly mechanism?: Mechanism;
  readonly heartbeatS?: number;
  readonly connectTimeoutMs?: number;
  readonly channelMax?: number;
  readonly frameMax?: number;
  /** Paths, of PEM files. */
  readonly caCertFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly servername?: string;
  readonly insecure?: boolean;
}

type Read = (value: string, name: string) => UrlParameters;

const READERS: Record<string, Read> = {
  auth_mechanism: (value, name) => {
    const mechanism = value.toLowerCase();
    checkOneOf(`${name} of the url`, mechanism, ["plain", "external"]);
    return { mechanism: mechanism === "plain" ? "PLAIN" : "EXTERNAL" };
  },
  channel_max: (value, name) => ({ channelMax: integer(name, value, 1) }),
  connection_timeout: (value, name) => ({
    connectTimeoutMs: integer(name, value, 1, LONGEST_TIMER_MS),
  }),
  frame_max: (value, name) => ({
    frameMax: integer(name, value, 4_096, 2 ** 32 - 1),
  }),
  heartbeat: (value, name) => ({ heartbeatS: integer(name, value, 0) }),
};

/** Those of `amqps://` alone. */
const TLS_READERS: Record<string, Read> = {
  cacertfile: (value) => ({ caCertFile: value }),
  certfile: (value) => ({ certFile: value }),
  keyfile: (value) => ({ keyFile: value }),
  server_name_indication: (value) => ({ servername: value }),
  verify: (value, name) => {
    checkOneOf(`${name} of the url`, value, ["verify_peer", "verify_none"]);
    return { insecure: value === "verify_none" };
  },
  // A client's peer is a server, and that always has a certificate.
  fail_if_no_peer_cert: (value, name) => {
    checkOneOf(`${name} of the url`, value, ["true", "false"]);
    return {};
  },
};

const SUPPORTED = [...Object.keys(READERS), ...Object.keys(TLS_READERS)];

/**
 * Reads what follows the `?` of a URL.
 *
 * @throws {RangeError} naming the parameter.
 */
export function readParameters(
  query: string,
  tls: boolean,
  decode: (text: string) => string,
): UrlParameters {
  let parameters: UrlParameters = {};
  for (const pair of query.split("&").filter(Boolean)) {
    const [name = "", ...values] = pair.split("=").map(decode);
    const value = values.join("=");
    if (value === "") throw noValue(values.length > 0 ? name : undefined);
    const read = readerOf(name, tls);
    parameters = { ...parameters, ...read(value, name) };
  }
  return parameters;
}

function readerOf(name: string, tls: boolean): Read {
  if (Object.hasOwn(READERS, name)) return READERS[name]!;
  if (!Object.hasOwn(TLS_READERS, name)) {
    throw new RangeError(
      `url has the parameter "${name}", which is not supported; supported: ` +
        SUPPORTED.join(", "),
    );
  }
  if (!tls) {
    throw new RangeError(`${name} needs a URL with amqps://, got amqp://`);
  }
  return TLS_READERS[name]!;
}

/** Text without "=" may not be meant as a parameter: it is not shown. */
function noValue(name = "of its parameters"): RangeError {
  return new RangeError(`url must have a value for each parameter: ${name}`);
}

function integer(
  name: string,
  value: string,
  min: number,
  max = 65_535,
): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : NaN;
  if (number >= min && number <= max) return number;
  throw new RangeError(
    `${name} of the url must be a whole number from ${min} to ${max}, ` +
      `got "${value}"`,
  );
}
