/**
 * Channel 0 of a connection: logs in, and takes what the broker says of the
 * connection itself.
 *
 * @module
 */
import {
  brokerMethod,
  readArguments,
  writeMethod,
} from "../amqp091/arguments.ts";
import { AmqpError } from "../amqp091/errors.ts";
import {
  type FrameBuffer,
  HEARTBEAT,
  METHOD,
  wrongFrame,
} from "../amqp091/frames.ts";
import type { Arguments, BrokerMethod } from "../amqp091/methods.ts";
import { decodeText, type Reader, toBytes } from "../amqp091/reader.ts";
import type { BrokerVersion } from "./broker_version.ts";
import { ClosedByBroker } from "./closed_by_broker.ts";
import {
  Handshake,
  type Login,
  LoginTooLarge,
  type Tuning,
  writeSecret,
} from "./handshake.ts";
import type { JoinedWrites } from "./joined_writes.ts";
import type { BrokerSettings } from "./options.ts";

const PROTOCOL_HEADER = toBytes("AMQP\x00\x00\x09\x01");

/** What a {@linkcode ChannelZero} tells its connection. */
export interface ChannelZeroHooks {
  /** The login was taken; no more than what was agreed on is to be sent. */
  onOpened: (tuning: Tuning, peer: BrokerVersion) => void;
  /** The broker closes the connection. */
  onClose: (reason: ClosedByBroker) => void;
  /** The broker agrees to our close. */
  onCloseOk: () => void;
  /** The broker takes no messages for now. */
  onBlocked: (reason: string) => void;
  /** The broker takes messages again. */
  onUnblocked: () => void;
}

/** Takes the frames of channel 0. */
export class ChannelZero {
  readonly #writes: JoinedWrites;
  readonly #hooks: ChannelZeroHooks;
  #handshake: Handshake | undefined;
  #secretTold: (() => void) | undefined;

  /** Says nothing yet. */
  constructor(writes: JoinedWrites, hooks: ChannelZeroHooks) {
    this.#writes = writes;
    this.#hooks = hooks;
  }

  /** Whether the login is under way. */
  get loggingIn(): boolean {
    return this.#handshake !== undefined;
  }

  /** Greets the broker; the rest of the login follows from its answers. */
  logIn(
    broker: BrokerSettings,
    login: Pick<Login, "name" | "password">,
  ): void {
    const { writer } = this.#writes;
    this.#handshake = new Handshake(broker, login, writer);
    writer.raw(PROTOCOL_HEADER);
    this.#writes.schedule();
  }

  /** Why the login failed, where the connection just ended. */
  loginFailure(error: Error): Error {
    const tooLarge = this.#handshake?.tooLarge;
    return tooLarge ? new LoginTooLarge(tooLarge, error) : error;
  }

  /** Tells the broker of another password; calls back when it knows. */
  updateSecret(secret: string, frameMax: number, onTold: () => void): void {
    if (!writeSecret(this.#writes.writer, secret, frameMax)) return;
    this.#secretTold = onTold;
    this.#writes.schedule();
  }

  /** Says goodbye. */
  close(): void {
    writeMethod(this.#writes.writer, 0, "connection.close", {
      replyCode: 200,
    });
    this.#writes.schedule();
  }

  /** Shows the broker that we live. */
  sendHeartbeat(): void {
    this.#writes.writer.heartbeat();
    this.#writes.schedule();
  }

  /**
   * Takes a frame.
   *
   * @throws {AmqpError} for one that has no business here.
   */
  take(frame: FrameBuffer, reader: Reader): void {
    if (frame.type === HEARTBEAT) return;
    if (frame.type !== METHOD) throw wrongFrame(frame);
    const name = brokerMethod(reader.long());
    const args = readArguments(name, reader);
    if (this.#handshake?.take(name, args)) this.#writes.schedule();
    else this.#take(name, args);
  }

  #take<N extends BrokerMethod>(name: N, args: Arguments<N>): void {
    switch (name) {
      case "connection.open-ok":
        return this.#opened();
      case "connection.close": {
        const close = args as Arguments<"connection.close">;
        const { replyCode, replyText } = close;
        return this.#hooks.onClose(
          new ClosedByBroker("connection", replyCode, replyText),
        );
      }
      case "connection.close-ok":
        return this.#hooks.onCloseOk();
      case "connection.blocked": {
        const { reason } = args as Arguments<"connection.blocked">;
        return this.#hooks.onBlocked(decodeText(reason));
      }
      case "connection.unblocked":
        return this.#hooks.onUnblocked();
      case "connection.update-secret-ok":
        return this.#secretTold?.();
      default:
        throw outOfPlace(name);
    }
  }

  #opened(): void {
    const handshake = this.#handshake;
    if (handshake?.tuning === undefined) throw outOfPlace("connection.open-ok");
    this.#handshake = undefined;
    this.#hooks.onOpened(handshake.tuning, handshake.peer);
  }
}

function outOfPlace(method: BrokerMethod): AmqpError {
  return new AmqpError("COMMAND_INVALID", `${method}, out of place`);
}
