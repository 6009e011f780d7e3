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
import type { AMQPChannel } from "@cloudamqp/amqp-client";
// Not by its main entry, which loads several times as much.
import { AMQPClient } from "@cloudamqp/amqp-client/amqp-socket-client";
import type { MessageProperties } from "../rpc/transport.ts";
import { showClientCertificate } from "./tls/client_certificate.ts";
import { connectFailure } from "./failures.ts";
import {
  BODY_FRAME,
  FRAME_HEADER_BYTES,
  FRAME_OVERHEAD_BYTES,
  FrameReader,
} from "./frames/frame_reader.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { BrokerAddress, ConnectSettings } from "./options.ts";
import { ProtocolCheck } from "./frames/protocol_check.ts";
import { type Target, writeMessage } from "./frames/publish_frames.ts";
import { type ChannelHandlers, MessageReceiver } from "./frames/receiver.ts";
import { diagnosed } from "./tls/tls_diagnosis.ts";
import type { TlsSettings } from "./tls/tls.ts";
import { MessageView } from "./frames/view.ts";
import { JoinedWrites } from "./frames/writes.ts";

/** The largest frame, in bytes: what RabbitMQ offers by default. */
const FRAME_MAX = 128 * 1024;
const HEARTBEAT_FRAME = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 206);
const CLOSE_TIMEOUT_MS = 2_000;
const ENQUEUED = Promise.resolve();

/** One AMQP connection over TCP or TLS. */
export class AmqpSocket extends AMQPClient {
  readonly #broker: BrokerAddress;
  readonly #settings: ConnectSettings;
  readonly #lost = Promise.withResolvers<Error>();
  readonly #onLost = new Set<(cause: Error) => void>();
  readonly #writes = new JoinedWrites((bytes, onWritten) => {
    this.#heartbeat?.wrote();
    this.socket?.write(bytes, onWritten);
  });
  readonly #frames = new FrameReader(this.#onFrame.bind(this));
  /** Of the channels that messages come over, by their ids. */
  readonly #receivers: MessageReceiver[] = [];
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

  /**
   * Calls back when the connection is gone, until the function returned is
   * called: what listens to {@linkcode AmqpSocket.lost} is kept to the end.
   */
  onLost(callback: (cause: Error) => void): () => void {
    this.#onLost.add(callback);
    return () => void this.#onLost.delete(callback);
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
    this.#takeReads(socket);
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
    for (const callback of this.#onLost) callback(error);
    this.#onLost.clear();
    this.#releaseBlocked();
  }

  /**
   * Adds a message to what is written at the end of this turn.
   *
   * @throws {Error} where it can't be encoded.
   */
  publish(
    target: Target,
    body: Uint8Array,
    properties: MessageProperties,
  ): void {
    writeMessage(this.#writes, this.frameMax, target, body, properties);
  }

  /**
   * Opens a channel and asks things of it, all in one round trip: the broker
   * answers in order.
   */
  async openChannel<T>(ask: (channel: AMQPChannel) => Promise<T>): Promise<T> {
    const hole = this.channels.findIndex((channel) => channel === undefined);
    const id = hole === -1 ? this.channels.length : hole;
    const opening = this.channel(id);
    const channel = this.channels[id] ?? await opening;
    const [answer] = await Promise.all([ask(channel), opening]);
    return answer;
  }

  /** Takes the messages and confirms of a channel out of the library's hands. */
  handle({ id }: AMQPChannel, handlers: ChannelHandlers): void {
    this.#receivers[id] = new MessageReceiver(handlers);
  }

  #onFrame(
    view: MessageView,
    type: number,
    channel: number,
    at: number,
    size: number,
  ): void {
    if (this.#receivers[channel]?.take(view, type, at, size)) return;
    // Of a message that nobody asked for.
    if (type === BODY_FRAME) return;
    const start = at - FRAME_HEADER_BYTES;
    const frame = view.getBytes(start, start + size + FRAME_OVERHEAD_BYTES);
    this.parseFrames(new MessageView(frame));
  }

  /**
   * Reads in the library's place. What is no AMQP at all, or can't be parsed,
   * ends this connection with an error instead of the program.
   */
  #takeReads(socket: Socket): void {
    const [libraryReads] = socket.listeners("data");
    socket.off("data", libraryReads as () => void);
    const check = new ProtocolCheck();
    socket.on("data", (bytes: Buffer<ArrayBuffer>) => {
      this.#heartbeat?.read();
      if (socket.destroyed) return;
      try {
        if (check.passes(bytes)) this.#frames.read(bytes);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on("end", () => {
      if (check.strange) socket.destroy(check.strange);
    });
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

  /** The library would shut it down in both directions before; it is done. */
  protected override closeSocket(): void {
    this.closed = true;
    this.socket?.destroy();
    this.socket = undefined;
  }

  /** Says goodbye, for a limited time, and closes. */
  async shutDown(): Promise<void> {
    const socket = this.socket;
    if (socket !== undefined && !this.closed) {
      const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
      const gone = new Promise((resolve) => socket.once("close", resolve));
      // The library closes the socket when the broker has said goodbye, too;
      // it never does where that is lost meanwhile.
      const closing = this.close().catch(() => socket.destroy());
      await Promise.race([closing, gone]);
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
