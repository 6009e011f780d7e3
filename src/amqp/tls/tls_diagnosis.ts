/**
 * Finds out why a TLS connection failed.
 *
 * What node:tls tells of a certificate differs from version to version of
 * Deno: rustls' own words in 2.4, "write UNKNOWN" in 2.5, codes of OpenSSL in
 * 2.9, where one that has expired is one of an unknown issuer. And a broker
 * that refuses our certificate says so after the handshake, when a write that
 * fails can hide it. The TLS of Deno itself uses rustls' words everywhere.
 *
 * @module
 */
import { PROTOCOL_HEADER } from "./client_certificate.ts";
import type { BrokerAddress } from "../options.ts";
import type { TlsSettings } from "./tls.ts";
import { isTlsProblem } from "./tls_failures.ts";

/** Errors behind which a certificate may be. */
const UNCLEAR = /certificate|UNKNOWN|EPIPE|ECONNRESET|Connection ended/;

/**
 * The error, or the one that explains it: the same connection is tried once
 * more, up to the first bytes of the broker. No login is sent.
 */
export async function diagnosed(
  error: unknown,
  broker: BrokerAddress,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<unknown> {
  // Deno's own TLS verifies always.
  if (!broker.tls || tls.insecure || !(error instanceof Error)) return error;
  if (!UNCLEAR.test(error.message) || isTlsProblem(error)) return error;
  const again = await firstError(broker, tls, signal);
  return isTlsProblem(again) ? again : error;
}

async function firstError(
  broker: BrokerAddress,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    using connection = await open(broker, tls);
    const giveUp = () => connection[Symbol.dispose]();
    signal.addEventListener("abort", giveUp, { once: true });
    await connection.handshake();
    // Without our certificate, what is refused next is that.
    if (tls.client && tls.servername) return;
    const [read] = await Promise.allSettled([
      connection.read(new Uint8Array(1)),
      connection.write(PROTOCOL_HEADER),
    ]);
    if (read.status === "rejected") return read.reason;
  } catch (error) {
    return error;
  }
}

/** Either way of Deno lacks a setting: a client certificate, or a name. */
async function open(
  { hostname, port }: BrokerAddress,
  { caCert, client, servername }: TlsSettings,
): Promise<Deno.TlsConn> {
  const caCerts = caCert === undefined ? [] : [caCert];
  if (client && !servername) {
    return await Deno.connectTls({ hostname, port, caCerts, ...client });
  }
  using plain = await Deno.connect({ hostname, port });
  return await Deno.startTls(plain, {
    hostname: servername ?? hostname,
    caCerts,
  });
}
