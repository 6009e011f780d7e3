/**
 * TLS over Node's sockets, for options that Deno's own lack.
 *
 * @module
 */
import { isIp } from "../ip.ts";
import { connect, type TLSSocket } from "node:tls";
import type { ByteStream, Dial } from "./byte_stream.ts";

/** Connects over TLS. */
export const dialNode: Dial = async ({ hostname, port, tls }, signal) => {
  signal.throwIfAborted();
  const { caCert, client, insecure = false, servername } = tls ?? {};
  const socket = connect({
    host: hostname,
    port,
    // TLS forbids an address as a server name.
    servername: servername ?? (isIp(hostname) ? "" : hostname),
    rejectUnauthorized: !insecure,
    ca: caCert,
    ...client,
  });
  socket.setNoDelay(true);
  const giveUp = () => socket.destroy(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    });
    return new NodeStream(socket);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
};

/** A socket of Node's, read when it is asked. */
class NodeStream implements ByteStream {
  readonly #socket: TLSSocket;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    const wake = () => this.#wake?.();
    socket.on("readable", wake);
    socket.on("end", wake);
    socket.on("close", wake);
    socket.on("error", (error) => {
      this.#error = error;
      wake();
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (true) {
      const bytes: Uint8Array | null = this.#socket.read();
      if (bytes !== null) return this.#take(bytes, into);
      if (this.#error) throw this.#error;
      if (this.#socket.readableEnded || this.#socket.destroyed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The rest is read next. */
  #take(bytes: Uint8Array, into: Uint8Array): number {
    const length = Math.min(bytes.length, into.length);
    into.set(bytes.subarray(0, length));
    if (length < bytes.length) this.#socket.unshift(bytes.subarray(length));
    return length;
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve())
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}
