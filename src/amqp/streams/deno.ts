/**
 * Streams of bytes over Deno's own sockets: they start sooner than those of
 * node:net, which nothing on the way of a plain connection loads.
 *
 * @module
 */
import { settled, unlessAborted } from "../../async/delay.ts";
import type { ByteStream, Dial, Endpoint, EndpointTls } from "./byte_stream.ts";

/** Connects over TCP, with TLS if asked for. */
export const dialDeno: Dial = async (endpoint, signal) => {
  signal.throwIfAborted();
  const { tls } = endpoint;
  if (tls && needsNode(tls)) {
    const { dialNode } = await import("./node_tls.ts");
    return await dialNode(endpoint, signal);
  }
  const dialing = dialAny(endpoint, signal);
  try {
    return await unlessAborted(signal, dialing);
  } catch (error) {
    // A connection that comes too late is closed: nobody waits for it any more.
    void settled(dialing.then((stream) => stream.close()));
    throw error;
  }
};

/**
 * Deno's own TLS can't accept just any certificate, and shows no client
 * certificate where the name to verify is not the host.
 */
function needsNode({ client, insecure, servername }: EndpointTls): boolean {
  return insecure || (client !== undefined && servername !== undefined);
}

/**
 * Tries the name first, of which Deno takes the first address, then the other
 * addresses: one that answers must not be hidden by one that does not.
 */
async function dialAny(
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<ByteStream> {
  try {
    return await dialHost(endpoint);
  } catch (error) {
    if (!isUnreachable(error) || signal.aborted) throw error;
    if (endpoint.tls?.client && !nodeShowsClientCertificates()) throw error;
    const { addressesOf } = await import("./addresses.ts");
    for (const address of await addressesOf(endpoint.hostname)) {
      signal.throwIfAborted();
      try {
        return await dialAddress(endpoint, address, signal);
      } catch (again) {
        if (!isUnreachable(again)) throw again;
      }
    }
    throw error;
  }
}

async function dialHost(endpoint: Endpoint): Promise<ByteStream> {
  const { hostname, port, tls } = endpoint;
  if (tls?.client === undefined) return await dialPlain(endpoint, hostname);
  const caCerts = caCertsOf(tls);
  const options = { hostname, port, caCerts, ...tls.client };
  return await secured(await Deno.connectTls(options));
}

/** One of the host's addresses; its certificate is for the name. */
async function dialAddress(
  endpoint: Endpoint,
  address: string,
  signal: AbortSignal,
): Promise<ByteStream> {
  const { hostname, port, tls } = endpoint;
  if (tls?.client === undefined) return await dialPlain(endpoint, address);
  const { dialNode } = await import("./node_tls.ts");
  const verified = { ...tls, servername: hostname };
  return await dialNode({ hostname: address, port, tls: verified }, signal);
}

/** Over TCP, with TLS if asked for, without a client certificate. */
async function dialPlain(
  { hostname, port, tls }: Endpoint,
  address: string,
): Promise<ByteStream> {
  const connection = await Deno.connect({ hostname: address, port });
  connection.setNoDelay(true);
  if (tls === undefined) return new DenoStream(connection);
  // startTls() takes the connection over, and closes it if it fails.
  const started = await Deno.startTls(connection, {
    hostname: tls.servername ?? hostname,
    caCerts: caCertsOf(tls),
  });
  return await secured(started);
}

function caCertsOf({ caCert }: EndpointTls): string[] {
  return caCert === undefined ? [] : [caCert];
}

async function secured(connection: Deno.TlsConn): Promise<ByteStream> {
  try {
    await connection.handshake();
    return new DenoStream(connection);
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The handshake failed for whatever reason. */
function isUnreachable(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.TimedOut ||
    error instanceof Deno.errors.NetworkUnreachable ||
    error instanceof Deno.errors.AddrNotAvailable ||
    // Of Node's sockets.
    (error as { code?: unknown }).code === "ECONNREFUSED";
}

class DenoStream implements ByteStream {
  readonly #connection: Deno.Conn;
  #closed = false;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#connection.read(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    let written = await this.#connection.write(bytes);
    while (written < bytes.length) {
      written += await this.#connection.write(bytes.subarray(written));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }
}

/** Whether node:tls shows a client certificate: since Deno 2.5. */
export function nodeShowsClientCertificates(): boolean {
  if (typeof Deno === "undefined") return true;
  const [major, minor] = Deno.version.deno.split(".").map(Number);
  return major! > 2 || minor! >= 5;
}
