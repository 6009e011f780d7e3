/**
 * Client certificates on Deno before 2.5, whose node:tls passes them over.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { AMQPClient } from "@cloudamqp/amqp-client";
import type { BrokerAddress } from "../options.ts";
import type { TlsSettings } from "./tls.ts";

const READ_BYTES = 64 * 1024;

/** What a client of AMQP 0-9-1 sends first. */
export const PROTOCOL_HEADER: Uint8Array = new TextEncoder().encode(
  "AMQP\x00\x00\x09\x01",
);

/** Whether node:tls shows a client certificate: since Deno 2.5. */
export function nodeShowsClientCertificates(): boolean {
  const [major, minor] = Deno.version.deno.split(".").map(Number);
  return major! > 2 || minor! >= 5;
}

/** Makes the library connect in another way where node:tls would not do. */
export function showClientCertificate(
  client: AMQPClient,
  broker: BrokerAddress,
  tls: TlsSettings,
): void {
  if (!broker.tls || !tls.client || nodeShowsClientCertificates()) return;
  const connectSocket = () => {
    const socket = new DenoTlsSocket(broker, tls);
    socket.once("secureConnect", () => void client.send(PROTOCOL_HEADER));
    // Private to the library's types; its own connectSocket() does the same.
    socket.on("data", (bytes: Buffer) => void client["onRead"](bytes));
    return socket;
  };
  Object.defineProperty(client, "connectSocket", { value: connectSocket });
}

/**
 * A socket of node:net over Deno.connectTls(), which can't be told a name to
 * verify that is not the host, nor to verify nothing.
 */
export class DenoTlsSocket extends Socket {
  #connection: Deno.TlsConn | undefined;

  /** Connects, and emits `connect` and `secureConnect`, or `error`. */
  constructor(
    { hostname, port }: BrokerAddress,
    { caCert, client }: TlsSettings,
  ) {
    super();
    void this.#open({
      hostname,
      port,
      caCerts: caCert === undefined ? [] : [caCert],
      ...client!,
    });
  }

  async #open(
    options: Deno.ConnectTlsOptions & Deno.TlsCertifiedKeyPem,
  ): Promise<void> {
    try {
      const connection = await Deno.connectTls(options);
      if (this.destroyed) return connection.close();
      this.#connection = connection;
      this.emit("connect");
      await connection.handshake();
      this.emit("secureConnect");
      await this.#receive(connection);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  async #receive(connection: Deno.TlsConn): Promise<void> {
    while (!this.destroyed) {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const length = await connection.read(buffer);
      this.push(length === null ? null : buffer.subarray(0, length));
      if (length === null) return;
    }
  }

  /** Reading never stops: the library takes all that comes. */
  override _read(): void {}

  override _write(
    bytes: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): void {
    this.#writeAll(bytes).then(() => done(), done);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += await this.#connection!.write(bytes.subarray(written));
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    const closed = this.#connection?.closeWrite() ?? Promise.resolve();
    closed.then(() => done(), done);
  }

  override _destroy(
    error: Error | null,
    done: (error?: Error | null) => void,
  ): void {
    this.#connection?.close();
    this.#connection = undefined;
    super._destroy(error, done);
  }
}
