/**
 * One AMQP connection over a stream of bytes: its beginning, its channels, its
 * heartbeats, and its end.
 *
 * @module
 */
import { AmqpError } from "../amqp091/errors.ts";
import { settled, waitAtMost } from "../async/delay.ts";
import { type BrokerVersion, UNKNOWN_BROKER } from "./broker_version.ts";
import type { Channel } from "./channel.ts";
import { ChannelZero } from "./channel_zero.ts";
import { Channels, type OpenChannelOptions } from "./channels.ts";
import { agreeToClose, closeWithError, LAST_WORDS_MS } from "./farewell.ts";
import { Flow, type FlowHooks } from "./flow.ts";
import { FrameReader, MOST_FRAME_BYTES } from "./frame_reader.ts";
import type { Login, Tuning } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { JoinedWrites } from "./joined_writes.ts";
import { Loss } from "./loss.ts";
import { MessageSizes } from "./message_sizes.ts";
import type { BrokerSettings } from "./options.ts";
import type { ByteStream } from "./streams/byte_stream.ts";

/** A connection; see {@linkcode Connection.open}. */
export class Connection {
  readonly writes: JoinedWrites;
  readonly channels: Channels;
  /** Whether it takes messages now. */
  readonly flow: Flow;
  /** When and why the connection ends. */
  readonly loss: Loss = new Loss();
  /** The largest frame that the broker takes, in bytes. */
  frameMax = Infinity;
  /** How large a message the broker accepts, on any channel. */
  readonly sizes: MessageSizes = new MessageSizes();
  readonly #stream: ByteStream;
  readonly #zero: ChannelZero;
  readonly #frames: FrameReader;
  readonly #opened = Promise.withResolvers<void>();
  readonly #channelTimeoutMs: number;
  #peer = UNKNOWN_BROKER;
  #heartbeat: Heartbeat | undefined;
  #closeOk: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  /** Settled when the last words are said, and the stream is closed. */
  #farewell: Promise<void> | undefined;
  #lastWords: ReturnType<typeof setTimeout> | undefined;
  #gone = false;

  private constructor(
    stream: ByteStream,
    { connectTimeoutMs }: BrokerSettings,
    hooks: FlowHooks,
  ) {
    this.#channelTimeoutMs = connectTimeoutMs;
    this.#stream = stream;
    this.writes = new JoinedWrites(
      stream.write.bind(stream),
      (error) => this.#writeFailed(error),
    );
    this.writes.beforeFlush(() => this.#heartbeat?.wrote());
    this.flow = new Flow(this.writes, hooks);
    this.channels = new Channels(this.writes, this.flow);
    this.loss.listen((error) => this.channels.lost(error));
    this.#zero = this.#channelZero();
    this.#frames = new FrameReader(this.channels, {
      onRead: () => this.#heartbeat?.read(),
      onFrame: (frame, reader) => this.#zero.take(frame, reader),
    });
    // Whoever opens it awaits it.
    void settled(this.#opened.promise);
  }

  /**
   * Logs in over a stream that is connected.
   *
   * @throws the reason of the signal, the stream's error, or what the broker
   * closes the connection with ({@linkcode ClosedByBroker}).
   */
  static async open(
    stream: ByteStream,
    broker: BrokerSettings,
    login: Pick<Login, "name" | "password">,
    hooks: FlowHooks,
    signal: AbortSignal,
  ): Promise<Connection> {
    const connection = new Connection(stream, broker, hooks);
    const giveUp = () => connection.destroy(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      signal.throwIfAborted();
      await connection.#logIn(broker, login);
      return connection;
    } catch (error) {
      connection.destroy(error as Error);
      throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Which broker it is. */
  get peer(): BrokerVersion {
    return this.#peer;
  }

  /** Whether the connection is closed or closing. */
  get closed(): boolean {
    return this.#gone || this.#closing !== undefined;
  }

  /**
   * Opens a channel and asks things of it; see {@linkcode Channels.open}.
   *
   * @throws {RpcError} `resource_exhausted` if none is free for long.
   */
  openChannel<T>(
    ask: (channel: Channel) => Promise<T>,
    { patient }: Pick<OpenChannelOptions, "patient"> = {},
  ): Promise<T> {
    const limitMs = this.#channelTimeoutMs;
    return this.channels.open(ask, { limitMs, patient });
  }

  /** Sends the broker a new password; calls back when it has accepted it. */
  updateSecret(secret: string, onTold: () => void): void {
    this.#zero.updateSecret(secret, this.frameMax, onTold);
  }

  /** Closes the connection, within a time limit; once. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Ends the connection at once, for this reason. */
  destroy(error: Error): void {
    this.#end(error);
  }

  /** Ends everything at once; the stream is closed after the last words. */
  #end(error: Error, farewell?: Promise<void>): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#frames.stop();
    this.#heartbeat?.stop();
    clearTimeout(this.#lastWords);
    this.writes.end();
    const close = () => this.#stream.close();
    if (farewell === undefined) close();
    else this.#farewell = farewell.then(close, close);
    this.#opened.reject(error);
    this.loss.happen(error);
    this.#closeOk?.();
    this.flow.release();
  }

  async #logIn(
    broker: BrokerSettings,
    login: Pick<Login, "name" | "password">,
  ): Promise<void> {
    this.#zero.logIn(broker, login);
    void this.#read();
    try {
      await this.#opened.promise;
    } catch (error) {
      throw this.#zero.loginFailure(error as Error);
    }
  }

  /**
   * Reads frames to the end; one that can't be understood ends the connection,
   * and the broker is told.
   */
  async #read(): Promise<void> {
    try {
      await this.#frames.read(this.#stream);
      this.destroy(new Error("the connection was closed"));
    } catch (error) {
      if (error instanceof AmqpError && this.#isOpen) this.#blame(error);
      else this.destroy(error as Error);
    }
  }

  /** Whether both sides are logged in, and neither has closed. */
  get #isOpen(): boolean {
    return !this.#zero.loggingIn && !this.closed;
  }

  #blame(error: AmqpError): void {
    const { method } = this.#frames;
    this.#end(error, closeWithError(this.writes, this.#stream, error, method));
  }

  #channelZero(): ChannelZero {
    return new ChannelZero(this.writes, {
      onOpened: (tuning, peer) => this.#start(tuning, peer),
      onClose: (reason) => this.#end(reason, agreeToClose(this.writes)),
      onCloseOk: () => this.destroy(new Error("the connection was closed")),
      onBlocked: (reason) => this.flow.block(reason),
      onUnblocked: () => this.flow.unblock(),
    });
  }

  #start(tuning: Tuning, peer: BrokerVersion): void {
    const { channelMax, frameMax, heartbeatS } = tuning;
    this.#peer = peer;
    this.frameMax = frameMax || MOST_FRAME_BYTES;
    this.channels.limit = channelMax;
    this.#heartbeat = new Heartbeat(heartbeatS * 1000, {
      send: () => this.#zero.sendHeartbeat(),
      onSilence: () => this.destroy(new Error("no heartbeat from the broker")),
    });
    this.#opened.resolve();
  }

  /**
   * The last frames of the broker may give the reason, if they are read in
   * time.
   */
  #writeFailed(error: Error): void {
    if (this.#gone) return;
    this.#lastWords = setTimeout(() => this.destroy(error), LAST_WORDS_MS);
  }

  async #close(): Promise<void> {
    if (!this.#gone) await this.#askToClose();
    // The broker may have closed it meanwhile.
    await this.#farewell;
  }

  async #askToClose(): Promise<void> {
    const answered = Promise.withResolvers<void>();
    this.#closeOk = answered.resolve;
    this.#zero.close();
    await waitAtMost(this.flow.closeLimitMs, answered.promise);
    this.destroy(new Error("the connection was closed"));
  }
}
