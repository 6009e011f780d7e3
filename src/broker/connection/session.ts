/**
 * One connection, from its first octet to its last: what it may do when, its
 * heartbeats, and how it ends. Its channels do the rest.
 */
import type { Channel, ChannelLink } from "./channel.ts";
import { Channels } from "./channels.ts";
import { AmqpError, closing } from "../../amqp091/errors.ts";
import type { Faults } from "../testing/faults.ts";
import {
  BODY,
  FrameBuffer,
  HEADER,
  HEARTBEAT,
  METHOD,
  wrongFrame,
} from "../../amqp091/frames.ts";
import {
  authenticate,
  can,
  checkTuned,
  greet,
  loginRefused,
} from "./handshake.ts";
import {
  clientMethod,
  readArguments,
  writeMethod,
} from "../../amqp091/arguments.ts";
import {
  type Arguments,
  type ClientConnectionMethod,
  isConnectionMethod,
} from "../../amqp091/methods.ts";
import type { Settings } from "../options.ts";
import { type ClientStream, Outgoing } from "./outgoing.ts";
import { Access, type Login } from "./permissions.ts";
import type { Queue } from "../routing/queue.ts";
import { Reader } from "../../amqp091/reader.ts";
import type { Table } from "../../amqp091/table.ts";
import { Throttle, type Throttled } from "./throttle.ts";
import type { VHost } from "../routing/vhost.ts";
import type { Watch } from "../testing/watch.ts";

/** What a connection needs of its broker. */
export interface SessionHost {
  readonly settings: Settings;
  readonly version: string;
  readonly faults: Faults;
  readonly watch: Watch;
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

/** One connection. */
export class Session implements ChannelLink, Throttled {
  readonly outgoing: Outgoing;
  readonly throttle: Throttle;
  readonly exclusiveQueues: Set<Queue> = new Set();
  readonly settings: Settings;
  /** What the client says of itself. */
  clientProperties: Table = [];
  frameMax: number;
  /** Resolves when the connection is over and has left no trace. */
  readonly done: Promise<void>;
  readonly #host: SessionHost;
  readonly #conn: ClientStream;
  readonly #frames = new FrameBuffer();
  readonly #reader = new Reader(new Uint8Array(0));
  readonly #channels: Channels;
  #state: State = "protocol";
  #login: Login = { name: "", patterns: undefined };
  #vhost: VHost | undefined;
  #access: Access | undefined;
  #heartbeatMs = 0;
  #lastReadAt = performance.now();
  /** When the connection is ended if it has not got any further. */
  #deadline: number;
  #ended = false;

  constructor(host: SessionHost, conn: ClientStream) {
    this.#host = host;
    this.#conn = conn;
    const { settings } = host;
    this.settings = settings;
    this.frameMax = settings.frameMax;
    this.#channels = new Channels(this, settings.channelMax);
    this.#deadline = this.#lastReadAt + settings.handshakeTimeoutMs;
    this.outgoing = new Outgoing(conn, {
      highWater: settings.outgoingHighWater,
      onDrained: () => this.#channels.wake(),
      onFailed: () => this.destroy(),
    });
    this.throttle = new Throttle(this);
    this.done = this.#run();
  }

  /** Whether the client has opened the connection, and it is not over. */
  get running(): boolean {
    return this.#state === "running" && !this.#ended;
  }

  get cancelNotify(): boolean {
    return can(this.clientProperties, "consumer_cancel_notify");
  }

  get blockedNotify(): boolean {
    return can(this.clientProperties, "connection.blocked");
  }

  /** Open channels. */
  get channelCount(): number {
    return this.#channels.size;
  }

  get faults(): Faults {
    return this.#host.faults;
  }

  get vhost(): VHost {
    if (this.#vhost !== undefined) return this.#vhost;
    throw new AmqpError("CHANNEL_ERROR", "expected 'connection.open'");
  }

  get access(): Access {
    if (this.#access !== undefined) return this.#access;
    throw new AmqpError("CHANNEL_ERROR", "expected 'connection.open'");
  }

  confirmLater(channel: Channel): void {
    this.#channels.confirmLater(channel);
  }

  /** Confirms what is not yet confirmed, unless confirms are held. */
  flushConfirms(): void {
    this.#channels.flushConfirms();
  }

  onBlocked(): void {
    this.#channels.flushConfirms();
    this.#host.watch.changed();
  }

  /** Gives the queue back what was sent and not settled; returns how many. */
  takeBack(queue: Queue): number {
    return this.#channels.takeBack(queue);
  }

  tooSlow(): void {
    this.#closeWith(
      new AmqpError("RESOURCE_ERROR", "replies are not read fast enough"),
    );
  }

  /** Sends heartbeats and ends a connection that has gone quiet. */
  tick(now: number): void {
    if (now >= this.#deadline) return this.destroy();
    this.#channels.tick(now);
    if (this.#heartbeatMs === 0 || this.#state === "deaf") return;
    const heardAt = Math.max(this.#lastReadAt, this.throttle.heldAt);
    if (now - heardAt > 2 * this.#heartbeatMs) {
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
    // Who is not read from can't answer.
    if (this.throttle.holding) this.destroy();
    else if (this.#state === "running") {
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
    this.throttle.end();
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
      await this.outgoing.end();
    }
  }

  /** Handles all whole frames there are, unless the client does not read. */
  async #handleInput(): Promise<void> {
    if (this.#state === "protocol" && !this.#readProtocolHeader()) return;
    while (true) {
      const wait = this.throttle.pass(this.#channels.published);
      if (wait !== undefined) await wait;
      if (this.#ended || this.#state === "deaf" || !this.#nextFrame()) break;
      this.#handleFrame();
      this.#host.watch.changed();
      if (this.outgoing.congested) {
        this.#channels.flushConfirms();
        await this.outgoing.relieved();
      }
    }
    if (this.#state === "deaf") this.#frames.discard();
    this.#channels.flushConfirms();
    if (this.outgoing.output.length > 0) this.outgoing.schedule();
  }

  #readProtocolHeader(): boolean {
    const header = this.#frames.takeProtocolHeader();
    if (header === undefined) return false;
    const { settings, version } = this.#host;
    const known = greet(this.outgoing.output, header, settings, version);
    if (known) this.#state = "starting";
    else this.#hangUp();
    return true;
  }

  #nextFrame(): boolean {
    try {
      this.#channels.method = 0;
      return this.#frames.next();
    } catch (error) {
      if (this.#state !== "closing") this.#closeWith(error);
      this.#hangUp();
      return false;
    }
  }

  #handleFrame(): void {
    try {
      if (this.#frames.channel === 0) this.#handleConnectionFrame();
      else this.#handleChannelFrame();
    } catch (error) {
      // One close is enough: what follows it is not looked at closely.
      if (this.#state !== "closing") this.#closeWith(error);
    }
  }

  #handleConnectionFrame(): void {
    const { type } = this.#frames;
    if (type === METHOD) {
      const { bytes, start, end } = this.#frames;
      this.#reader.reset(bytes, start, end);
      this.#channels.method = this.#reader.long();
      const name = clientMethod(this.#channels.method);
      if (!isConnectionMethod(name)) {
        throw new AmqpError("CHANNEL_ERROR", `${name} on channel 0`);
      }
      this.#handleMethod(name);
    } else if (this.#state !== "closing" && type !== HEARTBEAT) {
      throw wrongFrame(this.#frames);
    }
  }

  #handleChannelFrame(): void {
    if (this.#state === "closing") return;
    const { type } = this.#frames;
    const known = type === METHOD || type === HEADER || type === BODY;
    if (this.#state !== "running" || !known) throw wrongFrame(this.#frames);
    this.#channels.handle(this.#frames);
  }

  #handleMethod(name: ClientConnectionMethod): void {
    const out = this.outgoing.output;
    if (this.#state === "closing") {
      if (name === "connection.close") {
        writeMethod(out, 0, "connection.close-ok");
      }
      if (name === "connection.close-ok") this.destroy();
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
      writeMethod(out, 0, "connection.close-ok");
      this.#hangUp();
    } else if (
      name === "connection.update-secret" && this.#state === "running"
    ) {
      readArguments(name, this.#reader);
      writeMethod(out, 0, "connection.update-secret-ok");
    } else {
      throw new AmqpError(
        "CHANNEL_ERROR",
        `unexpected method in connection state ${this.#state}`,
      );
    }
  }

  #startOk(args: Arguments<"connection.start-ok">): void {
    this.clientProperties = args.clientProperties;
    this.#login = authenticate(args, this.settings);
    if (this.#host.faults.refusesLogin(this.#login.name)) {
      throw loginRefused(args.mechanism);
    }
    this.#state = "tuning";
    const { output } = this.outgoing;
    writeMethod(output, 0, "connection.tune", this.settings);
  }

  #tuneOk(args: Arguments<"connection.tune-ok">): void {
    checkTuned(args, this.settings);
    this.frameMax = this.#frames.frameMax = args.frameMax;
    this.#channels.max = args.channelMax;
    this.#heartbeatMs = args.heartbeatS * 1000;
    this.#state = "opening";
  }

  #open({ vhost }: Arguments<"connection.open">): void {
    this.#vhost = this.#host.findVhost(vhost);
    if (this.#vhost === undefined) {
      throw new AmqpError("NOT_ALLOWED", `vhost ${vhost} not found`);
    }
    this.#access = new Access(this.#login, this.#vhost);
    this.#state = "running";
    this.#deadline = Infinity;
    writeMethod(this.outgoing.output, 0, "connection.open-ok");
  }

  /** Tells the client why, and awaits its close-ok. */
  #closeWith(cause: unknown): void {
    const error = cause instanceof AmqpError
      ? cause
      : new AmqpError("INTERNAL_ERROR", "the broker failed; please report it");
    const wasStarting = this.#state === "starting";
    this.#release();
    const wantsIt = error.code === 403 &&
      can(this.clientProperties, "authentication_failure_close");
    // Before the login nobody is told anything, unless they asked for it.
    if (!wasStarting || wantsIt) {
      const out = this.outgoing.output;
      const method = wasStarting ? 0 : this.#channels.method;
      writeMethod(out, 0, "connection.close", closing(error, method));
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
    void this.outgoing.finish();
  }

  /** Gives back all that the connection held. */
  #release(): void {
    this.#channels.release();
    for (const queue of this.exclusiveQueues) this.#vhost?.deleteQueue(queue);
  }
}
