/**
 * Where a broker is and who logs in, and how both are shown.
 *
 * @module
 */
import type { Password } from "./password.ts";
import type { Mechanism } from "./url_parameters.ts";

/** Where a broker is and how to log in. */
export interface BrokerAddress {
  /** A name or an address; an IPv6 address has no brackets. */
  readonly hostname: string;
  /** The port in the URL, or the protocol's own: 5672, 5671 with TLS. */
  readonly port: number;
  /** Whether the URL was `amqps://`. */
  readonly tls: boolean;
  /** The virtual host, `/` by default. */
  readonly vhost: string;
  /** The user who logs in. */
  readonly username: string;
  /** In the clear: it must not be shown. */
  readonly password: Password;
  /** How user and password are used: with EXTERNAL, not at all. */
  readonly mechanism: Mechanism;
}

/** The URL of a broker: with the user who logs in, never with a password. */
export function brokerUrl(broker: BrokerAddress): string {
  const scheme = broker.tls ? "amqps" : "amqp";
  const user = broker.mechanism === "EXTERNAL"
    ? ""
    : `${encodeURIComponent(broker.username)}@`;
  const vhost = broker.vhost === "/" ? "" : encodeURIComponent(broker.vhost);
  return `${scheme}://${user}${brokerName(broker)}/${vhost}`;
}

/** `host:port`, as errors name a broker. */
export function brokerName(broker: BrokerAddress): string {
  const { hostname, port } = broker;
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}
