/**
 * One AMQP connection over a stream of bytes: its beginning, its channels, its
 * heartbeats, and its end.
 *
 * @module
 */
import {
  brokerMethod,
  readArguments,
  writeMethod,
} from "../amqp091/arguments.ts";
import { AmqpError } from "../amqp091/errors.ts";
import { type FrameBuffer, HEARTBEAT, METHOD } from "../amqp091/frames.ts";
import type { Arguments, BrokerMethod } from "../amqp091/methods.ts";
import { decodeText, type Reader, toBytes } from "../amqp091/reader.ts";
import { settled, waitAtMost } from "../async/delay.ts";
import { type BrokerVersion, UNKNOWN_BROKER } from "./broker_version.ts";
import type { Channel } from "./channel.ts";
import { Channels, type OpenChannelOptions } from "./channels.ts";
import { ClosedByBroker } from "./closed_by_broker.ts";
import { Flow } from "./flow.ts";
import { FrameReader, MOST_FRAME_BYTES } from "./frame_reader.ts";
import {
  Handshake,
  type Login,
  LoginTooLarge,
  writeSecret,
} from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { JoinedWrites } from "./joined_writes.ts";
import { Loss } from "./loss.ts";
import { MessageSizes } from "./message_sizes.ts";
import type { BrokerSettings } from "./options.ts";
import type { ByteStream } from "./streams/byte_stream.ts";

const PROTOCOL_HEADER = toBytes("AMQP\x00\x00\x09\x01");
const CLOSE_TIMEOUT_MS = 2_000;
/** How long to read on after a failed write: the broker may have said why. */
const LAST_WORDS_MS = 500;
/** What a connection tells, once it is open. */
export interface ConnectionHooks {
  onBlocked: (reason: string) => void;
  onUnblocked: () => void;
}

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
  /** What the broker takes, over whichever channel. */
  readonly sizes: MessageSizes = new MessageSizes();
  readonly #stream: ByteStream;
  readonly #hooks: ConnectionHooks;
  readonly #frames: FrameReader;
  readonly #opened = Promise.withResolvers<void>();
  #handshake: Handshake | undefined;
  #peer = UNKNOWN_BROKER;
  readonly #channelTimeoutMs: number;
  #heartbeat: Heartbeat | undefined;
  #secretTold: (() => void) | undefined;
  #closeOk: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #lastWords: ReturnType<typeof setTimeout> | undefined;
  #gone = false;

  private constructor(
    stream: ByteStream,
    { connectTimeoutMs }: BrokerSettings,
    hooks: ConnectionHooks,
  ) {
    this.#channelTimeoutMs = connectTimeoutMs;
    this.#stream = stream;
    this.#hooks = hooks;
    this.writes = new JoinedWrites(
      stream.write.bind(stream),
      (error) => this.#writeFailed(error),
    );
    this.writes.beforeFlush(() => this.#heartbeat?.wrote());
    this.flow = new Flow(this.writes);
    this.channels = new Channels(this.writes, this.flow);
    this.loss.listen((error) => this.channels.lost(error));
    this.#frames = new FrameReader(this.channels, {
      onRead: () => this.#heartbeat?.read(),
      onFrame: (frame, reader) => this.#takeFrame(frame, reader),
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
    hooks: ConnectionHooks,
    signal: AbortSignal,
  ): Promise<Connection> {
    const connection = new Connection(stream, broker, hooks);
    const giveUp = () => connection.destroy(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      signal.throwIfAborted();
      await connection.#start(broker, login);
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
   * @throws {RpcError} `resource_exhausted` where none is free for long.
   */
  openChannel<T>(
    ask: (channel: Channel) => Promise<T>,
    { patient }: Pick<OpenChannelOptions, "patient"> = {},
  ): Promise<T> {
    const limitMs = this.#channelTimeoutMs;
    return this.channels.open(ask, { limitMs, patient });
  }

  /** Tells the broker of another password; calls back when it knows. */
  updateSecret(secret: string, onTold: () => void): void {
    if (!writeSecret(this.writes.writer, secret, this.frameMax)) return;
    this.#secretTold = onTold;
    this.writes.schedule();
  }

  /** Closes the connection, within a time limit; once. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Ends the connection at once, for this reason. */
  destroy(error: Error): void {
    this.#end(error);
  }

  /** Ends everything at once; the stream is closed after its last write. */
  #end(error: Error, written?: Promise<void>): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#frames.stop();
    this.#heartbeat?.stop();
    clearTimeout(this.#lastWords);
    this.writes.end();
    const close = () => this.#stream.close();
    if (written === undefined) close();
    else written.then(close, close);
    this.#opened.reject(error);
    this.loss.happen(error);
    this.#closeOk?.();
    this.flow.release();
  }

  async #start(
    broker: BrokerSettings,
    login: Pick<Login, "name" | "password">,
  ): Promise<void> {
    const { writer } = this.writes;
    this.#handshake = new Handshake(broker, login, writer);
    writer.raw(PROTOCOL_HEADER);
    this.writes.schedule();
    void this.#read();
    try {
      await this.#opened.promise;
    } catch (error) {
      const { tooLarge } = this.#handshake;
      throw tooLarge ? new LoginTooLarge(tooLarge, error) : error;
    }
  }

  /** What can't be understood ends the connection. */
  async #read(): Promise<void> {
    try {
      await this.#frames.read(this.#stream);
      this.destroy(new Error("the connection was closed"));
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  #takeFrame({ type }: FrameBuffer, reader: Reader): void {
    if (type === HEARTBEAT) return;
    if (type !== METHOD) throw strayFrame();
    const name = brokerMethod(reader.long());
    const args = readArguments(name, reader);
    if (this.#handshake?.take(name, args)) this.writes.schedule();
    else this.#take(name, args);
  }

  #take<N extends BrokerMethod>(name: N, args: Arguments<N>): void {
    switch (name) {
      case "connection.open-ok":
        return this.#tuned();
      case "connection.close":
        return this.#takeClose(args as Arguments<"connection.close">);
      case "connection.close-ok":
        return this.destroy(new Error("the connection was closed"));
      case "connection.blocked":
        return this.#takeBlocked(args as Arguments<"connection.blocked">);
      case "connection.unblocked":
        this.flow.release();
        return this.#hooks.onUnblocked();
      case "connection.update-secret-ok":
        return this.#secretTold?.();
      default:
        throw new AmqpError("COMMAND_INVALID", `${name}, out of place`);
    }
  }

  #tuned(): void {
    const tuning = this.#handshake?.tuning;
    if (tuning === undefined) throw strayFrame();
    this.#peer = this.#handshake!.peer;
    this.#handshake = undefined;
    this.frameMax = tuning.frameMax || MOST_FRAME_BYTES;
    this.channels.limit = tuning.channelMax;
    this.#heartbeat = new Heartbeat(tuning.heartbeatS * 1000, {
      send: () => {
        this.writes.writer.heartbeat();
        this.writes.schedule();
      },
      onSilence: () => this.destroy(new Error("no heartbeat from the broker")),
    });
    this.#opened.resolve();
  }

  /** Agrees, if the broker takes that in time. */
  #takeClose({ replyCode, replyText }: Arguments<"connection.close">): void {
    const { writer } = this.writes;
    // What else was to be written it would not read.
    writer.truncate(0);
    writeMethod(writer, 0, "connection.close-ok");
    const agreed = this.writes.finish();
    this.#end(
      new ClosedByBroker("connection", replyCode, replyText),
      waitAtMost(LAST_WORDS_MS, agreed),
    );
  }

  #takeBlocked(args: Arguments<"connection.blocked">): void {
    const reason = decodeText(args.reason);
    this.flow.block(reason);
    this.#hooks.onBlocked(reason);
  }

  /** The reason is in what the broker sent last, if that is read in time. */
  #writeFailed(error: Error): void {
    if (this.#gone) return;
    this.#lastWords = setTimeout(() => this.destroy(error), LAST_WORDS_MS);
  }

  async #close(): Promise<void> {
    if (this.#gone) return;
    const answered = Promise.withResolvers<void>();
    this.#closeOk = answered.resolve;
    const { writer } = this.writes;
    writeMethod(writer, 0, "connection.close", { replyCode: 200 });
    this.writes.schedule();
    const limitMs = this.flow.blockedFor === undefined ? CLOSE_TIMEOUT_MS : 0;
    await waitAtMost(limitMs, answered.promise);
    this.destroy(new Error("the connection was closed"));
  }
}

function strayFrame(): AmqpError {
  return new AmqpError("UNEXPECTED_FRAME", "a frame that is out of place");
}
