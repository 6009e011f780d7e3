/**
 * The library's client with what production needs on top: joined writes,
 * heartbeats that are kept up by both sides, and no exception that escapes
 * from a socket callback.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { isIP, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { showClientCertificate } from "./client_certificate.ts";
import { connectFailure, NotAmqpError } from "./failures.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { BrokerAddress, ConnectSettings } from "./options.ts";
import { diagnosed } from "./tls_diagnosis.ts";
import type { TlsSettings } from "./tls.ts";
import { JoinedWrites } from "./writes.ts";

/** The largest frame, in bytes; the library holds as much for each publish. */
const FRAME_MAX = 16 * 1024;
const METHOD_FRAME = 1;
/** As many as tell TLS from what is neither that nor AMQP. */
const TELLING_BYTES = 3;
const HEARTBEAT_FRAME = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 206);
const CLOSE_TIMEOUT_MS = 2_000;
const ENQUEUED = Promise.resolve();

/** One AMQP connection over TCP or TLS. */
export class AmqpSocket extends AMQPClient {
  readonly #broker: BrokerAddress;
  readonly #settings: ConnectSettings;
  readonly #lost = Promise.withResolvers<Error>();
  readonly #writes = new JoinedWrites((bytes, onWritten) => {
    this.#heartbeat?.wrote();
    this.socket?.write(bytes, onWritten);
  });
  #heartbeat: Heartbeat | undefined;
  #unblocked: PromiseWithResolvers<void> | undefined;

  /** Not connected yet: see {@linkcode AmqpSocket.open}. */
  constructor(broker: BrokerAddress, settings: ConnectSettings) {
    super(libraryUrl(broker, settings), socketOptions(broker, settings.tls));
    // It has the private key, and errors of the library refer to this.
    Object.defineProperty(this, "tlsOptions", { enumerable: false });
    showClientCertificate(this, broker, settings.tls);
    this.#broker = broker;
    this.#settings = settings;
    this.onerror = () => {};
    this.#keepFrameMax(FRAME_MAX);
  }

  /** A broker's 0 means no limit, which the library takes for the smaller. */
  #keepFrameMax(frameMax: number): void {
    Object.defineProperty(this, "frameMax", {
      get: () => frameMax,
      set: (negotiated: number) => frameMax = negotiated || frameMax,
    });
  }

  /** Resolves, once, with the reason why the connection is gone. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** Pending while the broker accepts no messages; else undefined. */
  get unblocked(): Promise<void> | undefined {
    return this.#unblocked?.promise;
  }

  /**
   * Connects and logs in.
   *
   * @throws {RpcError} where that failed, or took too long.
   */
  async open(signal?: AbortSignal): Promise<void> {
    const { connectTimeoutMs } = this.#settings;
    const limit = AbortSignal.any([
      AbortSignal.timeout(connectTimeoutMs),
      ...(signal ? [signal] : []),
    ]);
    limit.throwIfAborted();
    const connecting = this.connect();
    const socket = this.socket!;
    // The library's own time-out would leave the socket open, and is reset by
    // what we write.
    socket.setTimeout(0);
    // The library keeps the text of an error only; the system's code counts.
    let cause: unknown;
    socket.once("error", (error) => cause = error);
    guardReads(socket, () => this.#heartbeat?.read());
    const giveUp = () => socket.destroy(limit.reason);
    limit.addEventListener("abort", giveUp, { once: true });
    try {
      await connecting;
    } catch (error) {
      socket.destroy();
      signal?.throwIfAborted();
      const { tls } = this.#settings;
      const why = await diagnosed(cause ?? error, this.#broker, tls, limit);
      throw connectFailure(why, this.#broker, connectTimeoutMs);
    } finally {
      limit.removeEventListener("abort", giveUp);
    }
    this.#opened(socket);
  }

  #opened(socket: Socket): void {
    socket.setTimeout(0);
    this.#heartbeat = new Heartbeat(this.heartbeat * 1000, {
      send: () => this.#writes.add(HEARTBEAT_FRAME),
      onSilence: () =>
        socket.destroy(new Error("no heartbeat from the broker")),
    });
    this.ondisconnect = (error) => this.#gone(error);
    this.onblocked = (reason) => {
      this.#unblocked ??= Promise.withResolvers();
      this.#settings.onEvent({ type: "blocked", reason });
    };
    this.onunblocked = () => {
      this.#releaseBlocked();
      this.#settings.onEvent({ type: "unblocked" });
    };
  }

  #releaseBlocked(): void {
    this.#unblocked?.resolve();
    this.#unblocked = undefined;
  }

  #gone(error = new Error("the connection was closed")): void {
    this.#heartbeat?.stop();
    this.#writes.discard();
    this.#lost.resolve(error);
    this.#releaseBlocked();
  }

  /** The bytes are copied, and written with all others of this turn. */
  override send(bytes: Uint8Array): Promise<void> {
    this.#writes.add(bytes);
    return ENQUEUED;
  }

  /** Joins what others put off to the end of the turn; see JoinedWrites. */
  get writes(): JoinedWrites {
    return this.#writes;
  }

  /** Says goodbye, for a limited time, and closes. */
  async shutDown(): Promise<void> {
    const socket = this.socket;
    if (socket !== undefined && !this.closed) {
      const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
      const gone = new Promise((resolve) => socket.once("close", resolve));
      this.close().catch(() => socket.destroy());
      await gone;
      clearTimeout(timer);
    }
    this.#gone();
  }
}

/** What the library reads from its URL. */
function libraryUrl(broker: BrokerAddress, settings: ConnectSettings): string {
  const url = new URL(`${broker.tls ? "amqps" : "amqp"}://host`);
  url.username = encodeURIComponent(broker.username);
  url.password = encodeURIComponent(broker.password);
  url.pathname = `/${encodeURIComponent(broker.vhost)}`;
  url.searchParams.set("name", settings.name);
  url.searchParams.set("heartbeat", String(settings.heartbeatS));
  url.searchParams.set("frameMax", String(FRAME_MAX));
  return url.href;
}

/**
 * The library hands its TLS options to the socket, whatever they are. Without
 * noDelay a single call waits 40 ms for Nagle's algorithm.
 */
function socketOptions(
  { hostname, port }: BrokerAddress,
  { caCert, client, insecure, servername }: TlsSettings,
): ConnectionOptions & { noDelay: boolean } {
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

/**
 * Puts a check before the library's reader: what is no AMQP at all, or can't
 * be parsed, ends this connection with an error instead of the program.
 */
function guardReads(socket: Socket, onRead: () => void): void {
  const [read] = socket.listeners("data") as [(bytes: Buffer) => void];
  socket.off("data", read);
  let checked = false;
  let strange = new Uint8Array(0);
  socket.on("data", (bytes: Buffer) => {
    onRead();
    if (socket.destroyed) return;
    checked ||= strange.length === 0 && bytes[0] === METHOD_FRAME;
    if (!checked) {
      strange = Uint8Array.of(...strange, ...bytes.subarray(0, TELLING_BYTES));
      if (strange.length >= TELLING_BYTES) {
        socket.destroy(new NotAmqpError(strange));
      }
      return;
    }
    try {
      read(bytes);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
  socket.on("end", () => {
    if (strange.length > 0) socket.destroy(new NotAmqpError(strange));
  });
}
