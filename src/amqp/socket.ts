/**
 * The library's client with what production needs on top: joined writes, a
 * login of our own, heartbeats that are kept up by both sides, and no exception
 * that escapes from a socket callback.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { AMQPChannel } from "@cloudamqp/amqp-client";
// Not by its main entry, which loads several times as much.
import { AMQPClient } from "@cloudamqp/amqp-client/amqp-socket-client";
import { LONGEST_TIMER_MS } from "../rpc/limits.ts";
import type { MessageProperties } from "../rpc/transport.ts";
import { type BrokerVersion, UNKNOWN_BROKER } from "./broker_version.ts";
import { ChannelTurns } from "./channel_turns.ts";
import { closeLimitMs } from "./channels.ts";
import { showClientCertificate } from "./tls/client_certificate.ts";
import { connectFailure, passwordFailure } from "./failures.ts";
import { updateSecret } from "./frames/handshake_frames.ts";
import {
  BODY_FRAME,
  FRAME_HEADER_BYTES,
  FRAME_OVERHEAD_BYTES,
  FrameReader,
} from "./frames/frame_reader.ts";
import { Handshake } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { MessageSizes } from "./message_sizes.ts";
import {
  brokerName,
  type BrokerSettings,
  type ConnectSettings,
} from "./options.ts";
import { PasswordPoll, readPassword } from "./password.ts";
import { libraryUrl, socketOptions } from "./socket_options.ts";
import { ProtocolCheck } from "./frames/protocol_check.ts";
import { type Target, writeMessage } from "./frames/publish_frames.ts";
import { type ChannelHandlers, MessageReceiver } from "./frames/receiver.ts";
import { diagnosed } from "./tls/tls_diagnosis.ts";
import { MessageView } from "./frames/view.ts";
import { JoinedWrites } from "./frames/writes.ts";

const METHOD_FRAME = 1;
const HEARTBEAT_FRAME = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 206);
/** Where the broker sets no limit. */
const MOST_CHANNELS = 65_535;
const ENQUEUED = Promise.resolve();

/** One AMQP connection over TCP or TLS. */
export class AmqpSocket extends AMQPClient {
  readonly #broker: BrokerSettings;
  readonly #settings: ConnectSettings;
  readonly #lost = Promise.withResolvers<Error>();
  readonly #onLost = new Set<(cause: Error) => void>();
  readonly #writes = new JoinedWrites((bytes, onWritten) => {
    this.#heartbeat?.wrote();
    this.socket?.write(bytes, onWritten);
  });
  readonly #frames = new FrameReader(this.#onFrame.bind(this));
  /** What the broker takes, over whichever channel. */
  readonly sizes = new MessageSizes();
  /** Of the channels that messages come over, by their ids. */
  readonly #receivers: MessageReceiver[] = [];
  readonly #channelTurns = new ChannelTurns(() => this.#freeChannels());
  #handshake: Handshake | undefined;
  #peer = UNKNOWN_BROKER;
  #heartbeat: Heartbeat | undefined;
  #passwordPoll: PasswordPoll | undefined;
  #shuttingDown: Promise<void> | undefined;
  #unblocked: PromiseWithResolvers<void> | undefined;

  /** Not connected yet: see {@linkcode AmqpSocket.open}. */
  constructor(broker: BrokerSettings, settings: ConnectSettings) {
    super(libraryUrl(broker), socketOptions(broker));
    // It has the private key, and errors of the library refer to this.
    Object.defineProperty(this, "tlsOptions", { enumerable: false });
    showClientCertificate(this, broker, broker.tlsSettings);
    this.#broker = broker;
    this.#settings = settings;
    this.onerror = () => {};
  }

  /** Which broker it is. */
  get peer(): BrokerVersion {
    return this.#peer;
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

  /** Pending while the connection accepts no messages; else undefined. */
  get unblocked(): Promise<void> | undefined {
    return this.#unblocked?.promise ?? this.#writes.drained;
  }

  /** Why it accepts none, where it does not. */
  get obstacle(): string | undefined {
    if (this.blocked !== undefined) {
      return `the broker has blocked the connection (${this.blocked})`;
    }
    return this.#writes.drained &&
      "the connection does not take what is written to it";
  }

  /**
   * Connects and logs in.
   *
   * @throws {RpcError} where that failed, or took too long.
   */
  async open(signal?: AbortSignal): Promise<void> {
    const { connectTimeoutMs } = this.#broker;
    const limit = AbortSignal.any([
      AbortSignal.timeout(connectTimeoutMs),
      ...(signal ? [signal] : []),
    ]);
    limit.throwIfAborted();
    const password = await this.#readPassword(limit, signal);
    const { name } = this.#settings;
    const handshake = new Handshake(
      this.#broker,
      { password, name },
      (bytes) => this.#writes.add(bytes),
    );
    this.#handshake = handshake;
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
      const { tlsSettings } = this.#broker;
      const why = await diagnosed(
        cause ?? error,
        this.#broker,
        tlsSettings,
        limit,
      );
      throw connectFailure(why, this.#broker, handshake.tooLarge);
    } finally {
      limit.removeEventListener("abort", giveUp);
    }
    this.#opened(socket, password);
  }

  async #readPassword(
    limit: AbortSignal,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    try {
      return await readPassword(this.#broker.password, limit);
    } catch (error) {
      signal?.throwIfAborted();
      throw passwordFailure(error, this.#broker);
    }
  }

  #opened(socket: Socket, password: string): void {
    this.#peer = this.#handshake?.peer ?? this.#peer;
    this.#handshake = undefined;
    socket.setTimeout(0);
    this.#heartbeat = new Heartbeat(this.heartbeat * 1000, {
      send: () => this.#writes.add(HEARTBEAT_FRAME),
      onSilence: () =>
        socket.destroy(new Error("no heartbeat from the broker")),
    });
    this.#watchPassword(password);
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

  /** Tells the broker when there is another password. */
  #watchPassword(known: string): void {
    const { password } = this.#broker;
    const { passwordPollMs, onEvent } = this.#settings;
    if (typeof password === "string" || passwordPollMs === 0) return;
    const tell = (secret: string) => {
      const frame = updateSecret(secret, "renewed");
      // The broker would end the connection for it; the next login tells.
      if (frame.length > this.frameMax) return;
      this.#writes.add(frame);
      this.onUpdateSecretOk = () => {
        // The library calls it, too, when the broker closes the connection.
        if (this.closed) return;
        onEvent({ type: "secret_updated", broker: brokerName(this.#broker) });
      };
    };
    this.#passwordPoll = new PasswordPoll(
      password,
      known,
      passwordPollMs,
      tell,
    );
  }

  #releaseBlocked(): void {
    this.#unblocked?.resolve();
    this.#unblocked = undefined;
  }

  #gone(error = new Error("the connection was closed")): void {
    this.#heartbeat?.stop();
    this.#passwordPoll?.stop();
    this.#writes.discard();
    this.#lost.resolve(error);
    this.#channelTurns.end(error);
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

  /** Whether somebody waits for a channel, and can't do without. */
  get wantsChannels(): boolean {
    return this.#channelTurns.urgent;
  }

  /** Opens a channel, as {@linkcode AmqpSocket.openChannel} does. */
  override channel(): Promise<AMQPChannel> {
    return this.openChannel((channel) => Promise.resolve(channel));
  }

  /**
   * Opens a channel and asks things of it, all in one round trip: the broker
   * answers in order. Where all that the broker allows are open, it waits for
   * one; what is not urgent waits for longer.
   *
   * @throws {RpcError} `resource_exhausted` where that takes too long.
   */
  async openChannel<T>(
    ask: (channel: AMQPChannel) => Promise<T>,
    { urgent = true } = {},
  ): Promise<T> {
    const limitMs = urgent ? this.#broker.connectTimeoutMs : LONGEST_TIMER_MS;
    const turn = this.#channelTurns.next(urgent, limitMs);
    if (turn !== undefined) {
      await turn;
      this.#channelTurns.used();
    }
    const hole = this.channels.findIndex((channel) => channel === undefined);
    const id = hole === -1 ? this.channels.length : hole;
    const opening = super.channel(id);
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
    const receiver = this.#receivers[channel];
    if (receiver?.take(view, type, at, size)) return;
    if (type === METHOD_FRAME && this.#takeHandshake(view, at)) return;
    // Of a message that nobody asked for.
    if (type === BODY_FRAME) return;
    const start = at - FRAME_HEADER_BYTES;
    const frame = view.getBytes(start, start + size + FRAME_OVERHEAD_BYTES);
    const later = receiver?.later(view, type, at);
    if (later === undefined) return this.#parse(frame);
    const kept = frame.slice();
    later.then(() => this.#parse(kept));
  }

  /** By the library. */
  #parse(frame: Uint8Array<ArrayBuffer>): void {
    this.parseFrames(new MessageView(frame));
    this.#channelTurns.check();
  }

  /** Of the channels, number 0 is the connection's own. */
  #freeChannels(): number {
    const open = this.channels.reduce((count) => count + 1, -1);
    return (this.channelMax || MOST_CHANNELS) - open;
  }

  #takeHandshake(view: MessageView, at: number): boolean {
    if (!this.#handshake?.take(view, at)) return false;
    const { tuning } = this.#handshake;
    if (tuning) {
      this.channelMax = tuning.channelMax;
      this.frameMax = tuning.frameMax;
      this.heartbeat = tuning.heartbeatS;
    }
    return true;
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

  /** Says goodbye, for a limited time, and closes; once. */
  shutDown(): Promise<void> {
    return this.#shuttingDown ??= this.#shutDown();
  }

  async #shutDown(): Promise<void> {
    const socket = this.socket;
    if (socket !== undefined && !this.closed) {
      const timer = setTimeout(() => socket.destroy(), closeLimitMs(this));
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
