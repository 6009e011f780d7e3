/**
 * How the library makes the socket of a connection.
 *
 * @module
 */
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { BrokerSettings } from "./options.ts";

/** What the library reads from its URL; who logs in is told by ourselves. */
export function libraryUrl({ tls, heartbeatS }: BrokerSettings): string {
  const url = new URL(`${tls ? "amqps" : "amqp"}://host`);
  url.searchParams.set("heartbeat", String(heartbeatS));
  return url.href;
}

/**
 * The library hands its TLS options to the socket, whatever they are. Without
 * noDelay a single call waits 40 ms for Nagle's algorithm.
 */
export function socketOptions(
  { hostname, port, tlsSettings }: BrokerSettings,
): ConnectionOptions & { noDelay: boolean } {
  const { caCert, client, insecure, servername } = tlsSettings;
  return {
    host: hostname,
    port,
    noDelay: true,
    // TLS forbids an address as a server name.
    servername: servername ?? (isIP(hostname) ? "" : hostname),
    rejectUnauthorized: !insecure,
    ca: caCert,
    ...client,
  };
}
