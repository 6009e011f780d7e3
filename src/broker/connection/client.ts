/**
 * One client's connection, from its first octet to its last: its states, the
 * methods on channel 0, and how it ends.
 */
import {
  clientMethod,
  readArguments,
  writeMethod,
} from "../../amqp091/arguments.ts";
import { AmqpError, closing } from "../../amqp091/errors.ts";
import {
  BODY,
  type FrameBuffer,
  HEADER,
  HEARTBEAT,
  METHOD,
  wrongFrame,
} from "../../amqp091/frames.ts";
import { Handshake, unexpected } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { ConnectionHost } from "./host.ts";
import { Input, type InputHandler } from "./input.ts";
import {
  type ClientConnectionMethod,
  isConnectionMethod,
} from "../../amqp091/methods.ts";
import { OpenConnection } from "./open_connection.ts";
import { type ClientStream, Outgoing } from "./outgoing.ts";
import { Reader } from "../../amqp091/reader.ts";
import { Throttle } from "./throttle.ts";

/**
 * "closing": the broker has sent connection.close and awaits close-ok, or has
 * sent close-ok and waits for the client to hang up;
 * "draining": what the client still sends is thrown away until it hangs up.
 */
type State = "handshake" | "running" | "closing" | "draining";

/** How long a client may take to hang up after either side closed, in ms. */
const LINGER_MS = 3000;

/** One connection. */
export class ClientConnection implements InputHandler {
  readonly outgoing: Outgoing;
  readonly throttle: Throttle;
  /** Resolves once the connection has ended and left nothing behind. */
  readonly done: Promise<void>;
  readonly #host: ConnectionHost;
  readonly #stream: ClientStream;
  readonly #input: Input;
  readonly #reader = new Reader(new Uint8Array(0));
  readonly #handshake: Handshake;
  readonly #heartbeat: Heartbeat;
  #state: State = "handshake";
  #open: OpenConnection | undefined;
  /** The method on channel 0 being handled, for connection.close to name. */
  #method = 0;
  /** When the connection ends unless it has got further by then. */
  #deadline: number;
  #ended = false;

  constructor(host: ConnectionHost, stream: ClientStream) {
    this.#host = host;
    this.#stream = stream;
    const { handshakeTimeoutMs, outgoingHighWater } = host.settings;
    this.#deadline = performance.now() + handshakeTimeoutMs;
    this.outgoing = new Outgoing(stream, {
      highWater: outgoingHighWater,
      onDrained: () => this.#open?.channels.wake(),
      onFailed: () => this.destroy(),
    });
    this.throttle = new Throttle(this.outgoing, host.faults.publishing, () => {
      this.flushConfirms();
      host.changed();
    });
    this.#handshake = new Handshake(host, this.outgoing.output);
    this.#heartbeat = new Heartbeat(this.outgoing, this.throttle);
    this.#input = new Input(stream, this);
    this.done = this.#run();
  }

  get ended(): boolean {
    return this.#ended;
  }

  get draining(): boolean {
    return this.#state === "draining";
  }

  /** Whether the client has opened the connection and it has not ended. */
  get running(): boolean {
    return this.#state === "running" && !this.#ended;
  }

  /** The connection, once it has been opened. */
  get open(): OpenConnection | undefined {
    return this.#open;
  }

  /** Sends the confirms that are due, unless a test holds them back. */
  flushConfirms(): void {
    this.#open?.channels.flushConfirms();
  }

  /** Checks deadlines and heartbeats; called a few times a second. */
  tick(now: number): void {
    if (now >= this.#deadline) return this.destroy();
    this.#open?.channels.tick(now);
    if (!this.draining && this.#heartbeat.tick(now)) this.destroy();
  }

  /** Closes the connection because the broker stops. */
  shutdown(): void {
    // A client whose input is held back can't answer.
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
    this.#stream.close();
    this.#open?.release();
  }

  async #run(): Promise<void> {
    try {
      await this.#input.run();
    } catch {
      // Reset by the client, or closed by `destroy`; it has ended either way.
    } finally {
      this.destroy();
      await this.outgoing.end();
    }
  }

  onRead(): void {
    this.#heartbeat.received();
  }

  onProtocolHeader(header: string): void {
    if (!this.#handshake.begin(header)) this.#hangUp();
  }

  beforeFrame(): Promise<void> | undefined {
    return this.throttle.pass(this.#open?.channels.published ?? 0);
  }

  onFrame(frame: FrameBuffer): void {
    try {
      if (frame.channel === 0) this.#handleConnectionFrame(frame);
      else this.#handleChannelFrame(frame);
    } catch (error) {
      // After its connection.close the broker ignores further mistakes.
      if (this.#state !== "closing") this.#closeWith(error);
    }
    this.#method = 0;
    this.#host.changed();
  }

  afterFrame(): Promise<void> | undefined {
    if (!this.outgoing.congested) return undefined;
    this.flushConfirms();
    return this.outgoing.relieved();
  }

  onMalformed(error: unknown): void {
    if (this.#state !== "closing") this.#closeWith(error);
    this.#hangUp();
  }

  afterFrames(): void {
    this.flushConfirms();
    if (this.outgoing.output.length > 0) this.outgoing.schedule();
  }

  #handleConnectionFrame(frame: FrameBuffer): void {
    const { type, bytes, start, end } = frame;
    if (type === METHOD) {
      this.#reader.reset(bytes, start, end);
      this.#method = this.#reader.long();
      const name = clientMethod(this.#method);
      if (!isConnectionMethod(name)) {
        throw new AmqpError("CHANNEL_ERROR", `${name} on channel 0`);
      }
      this.#handleMethod(name);
    } else if (this.#state !== "closing" && type !== HEARTBEAT) {
      throw wrongFrame(frame);
    }
  }

  #handleChannelFrame(frame: FrameBuffer): void {
    if (this.#state === "closing") return;
    const { type } = frame;
    const known = type === METHOD || type === HEADER || type === BODY;
    if (this.#open === undefined || !known) throw wrongFrame(frame);
    this.#open.channels.handle(frame);
  }

  #handleMethod(name: ClientConnectionMethod): void {
    const out = this.outgoing.output;
    if (this.#state === "handshake") this.#continueHandshake(name);
    else if (this.#state === "closing") {
      if (name === "connection.close") {
        writeMethod(out, 0, "connection.close-ok");
      } else if (name === "connection.close-ok") this.destroy();
    } else if (name === "connection.close") {
      this.#open?.release();
      writeMethod(out, 0, "connection.close-ok");
      // The client hangs up. It may ask again before: several of its threads
      // may close the connection.
      this.#awaitClose();
    } else if (name === "connection.update-secret") {
      readArguments(name, this.#reader);
      writeMethod(out, 0, "connection.update-secret-ok");
    } else throw unexpected(this.#state);
  }

  #continueHandshake(name: ClientConnectionMethod): void {
    const opened = this.#handshake.handle(name, this.#reader);
    if (opened === undefined) return;
    this.#open = new OpenConnection(
      this.#host,
      opened,
      this.outgoing,
      () => this.#closeWith(tooSlow()),
    );
    this.#input.frameMax = opened.frameMax;
    this.#heartbeat.intervalMs = opened.heartbeatS * 1000;
    this.throttle.notify = opened.blockedNotify;
    this.#deadline = Infinity;
    this.#state = "running";
  }

  /** Sends connection.close with the cause, and awaits close-ok. */
  #closeWith(cause: unknown): void {
    const error = cause instanceof AmqpError
      ? cause
      : new AmqpError("INTERNAL_ERROR", "the broker failed; please report it");
    const isStarting = this.#handshake.step === "starting";
    this.#open?.release();
    // Before the login only clients that ask for it are told the reason.
    const wantsReason = error.code === 403 &&
      this.#handshake.clientCan("authentication_failure_close");
    if (!isStarting || wantsReason) {
      const method = this.#method || (this.#open?.channels.method ?? 0);
      const told = closing(error, isStarting ? 0 : method);
      writeMethod(this.outgoing.output, 0, "connection.close", told);
    }
    this.#awaitClose();
    this.outgoing.schedule();
    if (isStarting) this.#hangUp();
  }

  #awaitClose(): void {
    this.#state = "closing";
    this.#deadline = performance.now() + LINGER_MS;
  }

  /**
   * Sends what is left, signals the end of the stream, and waits a moment for
   * the client to hang up. To close at once, with input unread, would reset the
   * connection, and the client could lose what was sent last.
   */
  #hangUp(): void {
    this.#state = "draining";
    this.#deadline = performance.now() + LINGER_MS;
    void this.outgoing.finish();
  }
}

function tooSlow(): AmqpError {
  return new AmqpError("RESOURCE_ERROR", "replies are not read fast enough");
}
