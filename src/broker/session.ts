/**
 * One connection, from its first octet to its last: what it may do when, its
 * heartbeats, and how it ends. Its channels do the rest.
 */
import { Channel, type ChannelLink } from "./channel.ts";
import { dispatch } from "./dispatch.ts";
import { AmqpError } from "./errors.ts";
import {
  BODY,
  FrameBuffer,
  frameError,
  HEADER,
  HEARTBEAT,
  METHOD,
} from "./frames.ts";
import {
  authenticate,
  checkTuned,
  isProtocolHeader,
  MECHANISMS,
  PROTOCOL_HEADER,
  serverProperties,
} from "./handshake.ts";
import {
  type Arguments,
  type ConnectionMethod,
  isConnectionMethod,
  methodId,
  methodName,
  readArguments,
} from "./methods.ts";
import type { Settings } from "./options.ts";
import { Outgoing } from "./outgoing.ts";
import { publish } from "./publishing.ts";
import type { Queue } from "./queue.ts";
import { Reader, toBytes } from "./reader.ts";
import * as replies from "./replies.ts";
import { asBoolean, asTable, lookup, type Table } from "./table.ts";
import type { VHost } from "./vhost.ts";

/** What a connection needs of its broker. */
export interface SessionHost {
  readonly settings: Settings;
  readonly version: string;
  findVhost(name: string): VHost | undefined;
}

/**
 * "closing": the broker sent connection.close and awaits close-ok; "deaf": it
 * has lost sync or is done, and only waits for the client to hang up.
 */
type State =
  | "protocol"
  | "starting"
  | "tuning"
  | "opening"
  | "running"
  | "closing"
  | "deaf";

/** How long a client may take to hang up after either side closed, in ms. */
const LINGER_MS = 3000;

const AUTHENTICATION_CLOSE = "authentication_failure_close";
const BASIC_PUBLISH = methodId(60, 40);

/** One connection. */
export class Session implements ChannelLink {
  readonly outgoing: Outgoing;
  readonly exclusiveQueues: Set<Queue> = new Set();
  readonly maxMessageSize: number;
  user = "";
  cancelNotify = false;
  frameMax: number;
  /** Resolves when the connection is over and has left no trace. */
  readonly done: Promise<void>;
  readonly #host: SessionHost;
  readonly #conn: Deno.Conn;
  readonly #frames = new FrameBuffer();
  readonly #reader = new Reader(new Uint8Array(0));
  readonly #channels = new Map<number, Channel>();
  readonly #unconfirmed = new Set<Channel>();
  #state: State = "protocol";
  #vhost: VHost | undefined;
  #channelMax: number;
  #heartbeatMs = 0;
  #capabilities: Table = [];
  #lastReadAt = performance.now();
  /** When the connection is ended if it has not got any further. */
  #deadline: number;
  #ended = false;
  /** The method being handled, for close methods to name; 0 for none. */
  #method = 0;

  constructor(host: SessionHost, conn: Deno.Conn) {
    this.#host = host;
    this.#conn = conn;
    const { settings } = host;
    this.maxMessageSize = settings.maxMessageSize;
    this.frameMax = settings.frameMax;
    this.#channelMax = settings.channelMax;
    this.#deadline = this.#lastReadAt + settings.handshakeTimeoutMs;
    this.outgoing = new Outgoing(conn, {
      highWater: settings.outgoingHighWater,
      onDrained: () => this.#wakeChannels(),
      onFailed: () => this.destroy(),
    });
    this.done = this.#run();
  }

  get vhost(): VHost {
    if (this.#vhost !== undefined) return this.#vhost;
    throw new AmqpError("CHANNEL_ERROR", "expected 'connection.open'");
  }

  confirmLater(channel: Channel): void {
    this.#unconfirmed.add(channel);
  }

  tooSlow(): void {
    this.#closeWith(
      new AmqpError("RESOURCE_ERROR", "replies are not read fast enough"),
    );
  }

  /** Sends heartbeats and ends a connection that has gone quiet. */
  tick(now: number): void {
    if (now >= this.#deadline) {
      this.destroy();
      return;
    }
    if (this.#heartbeatMs === 0 || this.#state === "deaf") return;
    if (now - this.#lastReadAt > 2 * this.#heartbeatMs) {
      this.destroy();
    } else if (
      this.outgoing.waiting === 0 &&
      now - this.outgoing.lastSentAt >= this.#heartbeatMs / 2
    ) {
      this.outgoing.output.heartbeat();
      this.outgoing.schedule();
    }
  }

  /** Closes the connection because the broker stops. */
  shutdown(): void {
    if (this.#state === "running") {
      this.#closeWith(
        new AmqpError(
          "CONNECTION_FORCED",
          "broker forced connection closure with reason 'shutdown'",
        ),
      );
    } else if (this.#state !== "closing") this.destroy();
  }

  /** Drops the connection at once. */
  destroy(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#conn.close();
    this.#release();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#ended) {
        const size = await this.#conn.read(this.#frames.space());
        if (size === null) break;
        this.#lastReadAt = performance.now();
        this.#frames.filled(size);
        await this.#handleInput();
      }
    } catch {
      // Reset by the client, or closed by `destroy`: over in either case.
    } finally {
      this.destroy();
    }
  }

  /** Handles all whole frames there are, unless the client does not read. */
  async #handleInput(): Promise<void> {
    if (this.#state === "protocol" && !this.#readProtocolHeader()) return;
    while (!this.#ended && this.#state !== "deaf" && this.#nextFrame()) {
      this.#handleFrame();
      if (this.outgoing.congested) {
        this.#flushConfirms();
        await this.outgoing.drained();
      }
    }
    if (this.#state === "deaf") this.#frames.discard();
    this.#flushConfirms();
    if (this.outgoing.output.length > 0) this.outgoing.schedule();
  }

  #flushConfirms(): void {
    for (const channel of this.#unconfirmed) channel.flushConfirms();
    this.#unconfirmed.clear();
  }

  #readProtocolHeader(): boolean {
    const header = this.#frames.takeProtocolHeader();
    if (header === undefined) return false;
    const out = this.outgoing.output;
    if (isProtocolHeader(header)) {
      this.#state = "starting";
      const properties = serverProperties(this.#host.version);
      replies.connectionStart(out, properties, MECHANISMS);
      return true;
    }
    out.raw(toBytes(PROTOCOL_HEADER));
    this.#hangUp();
    return true;
  }

  #nextFrame(): boolean {
    try {
      this.#method = 0;
      return this.#frames.next();
    } catch (error) {
      this.#closeWith(error);
      this.#hangUp();
      return false;
    }
  }

  #handleFrame(): void {
    const { channel } = this.#frames;
    try {
      if (channel === 0) this.#handleConnectionFrame();
      else this.#handleChannelFrame(channel);
    } catch (error) {
      if (error instanceof AmqpError && !error.hard && channel !== 0) {
        this.#closeChannel(channel, error);
      } else this.#closeWith(error);
    }
  }

  #readMethodId(): void {
    const { bytes, start, end } = this.#frames;
    this.#reader.reset(bytes, start, end);
    this.#method = this.#reader.long();
  }

  #handleConnectionFrame(): void {
    const { type } = this.#frames;
    if (type === METHOD) {
      this.#readMethodId();
      const name = methodName(this.#method);
      if (!isConnectionMethod(name)) {
        throw new AmqpError("CHANNEL_ERROR", `${name} on channel 0`);
      }
      this.#handleMethod(name);
    } else if (this.#state !== "closing" && type !== HEARTBEAT) {
      throw this.#wrongFrame();
    }
  }

  #wrongFrame(): AmqpError {
    const { type, bytes, start, end } = this.#frames;
    if (type === METHOD || type === HEADER || type === BODY) {
      return new AmqpError("UNEXPECTED_FRAME", this.#frames.snippet());
    }
    return frameError(type, bytes.subarray(start, end), "unknown_frame");
  }

  #handleChannelFrame(number: number): void {
    if (this.#state === "closing") return;
    const { type } = this.#frames;
    const known = type === METHOD || type === HEADER || type === BODY;
    if (this.#state !== "running" || !known) {
      if (type !== HEARTBEAT) throw this.#wrongFrame();
      throw new AmqpError("UNEXPECTED_FRAME", this.#frames.snippet());
    }
    const channel = this.#channels.get(number) ?? this.#newChannel(number);
    if (type === METHOD && !channel.content.pending) {
      this.#handleChannelMethod(channel);
      return;
    }
    const published = channel.content.take(this.#frames);
    if (published === undefined || channel.state === "closing") return;
    // What is wrong with a message is wrong with its basic.publish.
    this.#method = BASIC_PUBLISH;
    publish(channel, published);
  }

  #newChannel(number: number): Channel {
    if (this.#channels.size >= this.#channelMax) {
      throw new AmqpError(
        "NOT_ALLOWED",
        `number of channels opened (${this.#channels.size}) has reached the negotiated channel_max (${this.#channelMax})`,
      );
    }
    const channel = new Channel(number, this);
    this.#channels.set(number, channel);
    return channel;
  }

  #handleChannelMethod(channel: Channel): void {
    this.#readMethodId();
    const name = methodName(this.#method);
    if (isConnectionMethod(name)) {
      throw new AmqpError("COMMAND_INVALID", "unimplemented method");
    }
    const args = readArguments(name, this.#reader);
    if (channel.state === "closing") {
      this.#handleWhileClosing(channel, name, args);
      return;
    }
    if (name === "channel.close" && channel.state === "open") {
      channel.flushConfirms();
      this.#endChannel(channel);
      replies.ok(this.outgoing.output, channel.number, "channel.close-ok");
      return;
    }
    dispatch(channel, name, args);
  }

  /** Only the end of the closing counts; a publish still has its content. */
  #handleWhileClosing(channel: Channel, name: string, args: object): void {
    if (name === "basic.publish") {
      channel.content.start(args as Arguments<"basic.publish">);
    } else if (name === "channel.close-ok") {
      this.#channels.delete(channel.number);
    } else if (name === "channel.close") {
      replies.ok(this.outgoing.output, channel.number, "channel.close-ok");
    }
  }

  #closeChannel(number: number, error: AmqpError): void {
    const channel = this.#channels.get(number);
    if (channel === undefined) return;
    channel.flushConfirms();
    channel.state = "closing";
    channel.release();
    const out = this.outgoing.output;
    replies.channelClose(out, number, error, this.#method);
  }

  #endChannel(channel: Channel): void {
    channel.state = "closing";
    this.#channels.delete(channel.number);
    channel.release();
  }

  #handleMethod(name: ConnectionMethod): void {
    const out = this.outgoing.output;
    if (this.#state === "closing") {
      if (name === "connection.close") replies.connectionCloseOk(out);
      if (name === "connection.close-ok") this.#hangUp();
      return;
    }
    if (name === "connection.start-ok" && this.#state === "starting") {
      this.#startOk(readArguments(name, this.#reader));
    } else if (name === "connection.tune-ok" && this.#state === "tuning") {
      this.#tuneOk(readArguments(name, this.#reader));
    } else if (name === "connection.open" && this.#state === "opening") {
      this.#open(readArguments(name, this.#reader));
    } else if (name === "connection.close" && this.#state === "running") {
      this.#release();
      replies.connectionCloseOk(out);
      this.#hangUp();
    } else if (
      name === "connection.update-secret" && this.#state === "running"
    ) {
      readArguments(name, this.#reader);
      replies.connectionUpdateSecretOk(out);
    } else {
      throw new AmqpError(
        "CHANNEL_ERROR",
        `unexpected method in connection state ${this.#state}`,
      );
    }
  }

  #startOk(args: Arguments<"connection.start-ok">): void {
    this.#capabilities =
      asTable(lookup(args.clientProperties, "capabilities")) ?? [];
    this.cancelNotify = this.#can("consumer_cancel_notify");
    this.user = authenticate(args, this.#host.settings.users);
    this.#state = "tuning";
    replies.connectionTune(this.outgoing.output, this.#host.settings);
  }

  #can(capability: string): boolean {
    return asBoolean(lookup(this.#capabilities, capability)) ?? false;
  }

  #tuneOk(args: Arguments<"connection.tune-ok">): void {
    checkTuned(args, this.#host.settings);
    this.frameMax = this.#frames.frameMax = args.frameMax;
    this.#channelMax = args.channelMax;
    this.#heartbeatMs = args.heartbeatS * 1000;
    this.#state = "opening";
  }

  #open({ vhost }: Arguments<"connection.open">): void {
    this.#vhost = this.#host.findVhost(vhost);
    if (this.#vhost === undefined) {
      throw new AmqpError("NOT_ALLOWED", `vhost ${vhost} not found`);
    }
    this.#state = "running";
    this.#deadline = Infinity;
    replies.connectionOpenOk(this.outgoing.output);
  }

  /** Tells the client why, and awaits its close-ok. */
  #closeWith(cause: unknown): void {
    const error = cause instanceof AmqpError
      ? cause
      : new AmqpError("INTERNAL_ERROR", "the broker failed; please report it");
    const wasStarting = this.#state === "starting";
    this.#release();
    const wantsIt = error.code === 403 && this.#can(AUTHENTICATION_CLOSE);
    // Before the login nobody is told anything, unless they asked for it.
    if (!wasStarting || wantsIt) {
      const out = this.outgoing.output;
      replies.connectionClose(out, error, wasStarting ? 0 : this.#method);
    }
    this.#state = "closing";
    this.#deadline = performance.now() + LINGER_MS;
    this.outgoing.schedule();
    if (wasStarting) this.#hangUp();
  }

  /**
   * Sends what is left, says that nothing will follow, and waits a moment
   * for the client to hang up: closing at once while octets of it are unread
   * would reset the connection, and what was sent last could be lost.
   */
  #hangUp(): void {
    this.#state = "deaf";
    this.#deadline = performance.now() + LINGER_MS;
    void this.#closeWrite();
  }

  async #closeWrite(): Promise<void> {
    await this.outgoing.drained();
    if (this.#ended) return;
    try {
      await this.#conn.closeWrite();
    } catch {
      // The client was faster.
      this.destroy();
    }
  }

  #wakeChannels(): void {
    for (const channel of this.#channels.values()) channel.wakeAll();
  }

  /** Gives back all that the connection held. */
  #release(): void {
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    // None of them may be given what another of them gives back.
    for (const channel of channels) channel.state = "closing";
    for (const channel of channels) channel.release();
    for (const queue of this.exclusiveQueues) this.#vhost?.deleteQueue(queue);
  }
}
