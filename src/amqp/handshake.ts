/**
 * Logs in and tunes, as RabbitMQ negotiates.
 *
 * @module
 */
import manifest from "../../deno.json" with { type: "json" };
import { writeMethod } from "../amqp091/arguments.ts";
import { AmqpError } from "../amqp091/errors.ts";
import { FRAME_MIN_SIZE } from "../amqp091/frames.ts";
import type { Arguments, BrokerMethod } from "../amqp091/methods.ts";
import { decodeText, encodeText } from "../amqp091/reader.ts";
import { asText, lookup } from "../amqp091/table.ts";
import { tableOf, type Values } from "../amqp091/values.ts";
import type { Writer } from "../amqp091/writer.ts";
import { failure } from "../rpc/errors.ts";
import {
  brokerTitle,
  type BrokerVersion,
  isRabbitMqSince,
  UNKNOWN_BROKER,
} from "./broker_version.ts";
import type { BrokerSettings } from "./options.ts";
import { brokerName } from "./broker_address.ts";

const PRODUCT = "rabbit-rpc";
/** The largest frame, in bytes: what RabbitMQ offers by default. */
const FRAME_MAX = 128 * 1024;
/** The same before tuning, since RabbitMQ 4.1; before it is FRAME_MIN_SIZE. */
const FIRST_FRAME_MAX_4_1 = 8_192;

/** What both sides agree on; 0 is no limit, and no heartbeats. */
export interface Tuning {
  readonly channelMax: number;
  readonly frameMax: number;
  readonly heartbeatS: number;
}

/** Who logs in. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** Of the connection. */
  readonly name: string;
}

/** The capabilities that RabbitMQ looks at; it takes the others for granted. */
const NEEDED_CAPABILITIES = {
  authentication_failure_close: true,
  consumer_cancel_notify: true,
  "connection.blocked": true,
};

const CAPABILITIES = {
  ...NEEDED_CAPABILITIES,
  "basic.nack": true,
  exchange_exchange_bindings: true,
  per_consumer_qos: true,
  publisher_confirms: true,
};

/** One login, from the broker's greeting to its answer. */
export class Handshake {
  readonly #broker: BrokerSettings;
  readonly #login: Login;
  readonly #writer: Writer;
  #peer = UNKNOWN_BROKER;
  #firstFrameMax = FRAME_MIN_SIZE;
  #loginBytes = 0;
  #tuning: Tuning | undefined;

  /** Writes its answers when the broker's methods are handed to it. */
  constructor(
    broker: BrokerSettings,
    login: { password: string; name: string },
    writer: Writer,
  ) {
    this.#broker = broker;
    this.#login = { ...login, username: broker.username };
    this.#writer = writer;
  }

  /** What was agreed on; undefined until then. */
  get tuning(): Tuning | undefined {
    return this.#tuning;
  }

  /** Product and version, once the broker has sent its greeting. */
  get peer(): BrokerVersion {
    return this.#peer;
  }

  /** Whether the method was one of the handshake's; it was answered then. */
  take<N extends BrokerMethod>(name: N, args: Arguments<N>): boolean {
    if (name === "connection.start") {
      this.#start(args as Arguments<"connection.start">);
    } else if (name === "connection.tune") {
      this.#tune(args as Arguments<"connection.tune">);
    } else return false;
    return true;
  }

  /**
   * Why the broker may have closed the stream silently: RabbitMQ does that if a
   * frame is too large before login.
   */
  get tooLarge(): string | undefined {
    if (this.#tuning || this.#loginBytes <= this.#firstFrameMax) {
      return undefined;
    }
    return `the login takes ${this.#loginBytes} bytes, but ` +
      `${brokerTitle(this.#peer)} accepts only ${this.#firstFrameMax} before ` +
      `login, unless its initial_frame_max is larger`;
  }

  #start(greeting: Arguments<"connection.start">): void {
    const { serverProperties, mechanisms } = greeting;
    checkMechanism(this.#broker, decodeText(mechanisms));
    const product = asText(lookup(serverProperties, "product"));
    const version = asText(lookup(serverProperties, "version")) ?? "";
    if (product) this.#peer = { product, version };
    if (isRabbitMqSince(this.#peer, 4, 1)) {
      this.#firstFrameMax = FIRST_FRAME_MAX_4_1;
    }
    this.#loginBytes = this.#startOk();
  }

  /**
   * connection.start-ok. Before login, frames are small: properties that are
   * only for display are left out if they do not fit. Returns the size.
   */
  #startOk(): number {
    const { name } = this.#login;
    const connection = name === "" ? {} : { connection_name: name };
    const start = this.#writer.length;
    this.#startOkWith({
      ...connection,
      product: PRODUCT,
      version: manifest.version,
      platform: globalThis.navigator?.userAgent ?? "Node.js",
      capabilities: CAPABILITIES,
    });
    if (this.#writer.length - start > this.#firstFrameMax) {
      this.#writer.truncate(start);
      const capabilities = NEEDED_CAPABILITIES;
      this.#startOkWith({ ...connection, capabilities });
    }
    return this.#writer.length - start;
  }

  #startOkWith(properties: Values): void {
    const { mechanism } = this.#broker;
    const { username, password } = this.#login;
    const isPlain = mechanism === "PLAIN";
    writeMethod(this.#writer, 0, "connection.start-ok", {
      clientProperties: tableOf(properties),
      mechanism,
      response: encodeText(isPlain ? `\0${username}\0${password}` : ""),
      locale: "en_US",
    });
  }

  #tune(theirs: Arguments<"connection.tune">): void {
    const { heartbeatS, channelMax = 0, frameMax, vhost } = this.#broker;
    const ours = { heartbeatS, channelMax, frameMax: frameMax ?? FRAME_MAX };
    const tuning = negotiate(ours, theirs);
    if (tuning.frameMax !== 0 && tuning.frameMax < FRAME_MIN_SIZE) {
      throw new AmqpError("NOT_ALLOWED", `frames of ${tuning.frameMax} bytes`);
    }
    this.#tuning = tuning;
    writeMethod(this.#writer, 0, "connection.tune-ok", tuning);
    writeMethod(this.#writer, 0, "connection.open", { vhost });
  }
}

/** A broker may close the connection for anything else, without saying why. */
function checkMechanism(broker: BrokerSettings, offered: string): void {
  const { mechanism } = broker;
  if (offered.split(" ").includes(mechanism)) return;
  throw failure(
    "refused",
    `${brokerName(broker)} does not offer login by ${mechanism}; ` +
      `it offers ${offered || "nothing"}`,
    { code: "unauthenticated" },
  );
}

/**
 * What both sides keep to: the smaller value, or the other's if one is 0.
 * Heartbeats are off only if this side turns them off.
 */
export function negotiate(ours: Tuning, theirs: Tuning): Tuning {
  const { heartbeatS } = ours;
  return {
    channelMax: smaller(ours.channelMax, theirs.channelMax),
    frameMax: smaller(ours.frameMax, theirs.frameMax),
    heartbeatS: heartbeatS && smaller(heartbeatS, theirs.heartbeatS),
  };
}

function smaller(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

/**
 * Writes connection.update-secret; false if the password does not fit a frame.
 * The broker would close the connection for that; the next login sends it.
 */
export function writeSecret(
  writer: Writer,
  secret: string,
  frameMax: number,
): boolean {
  const start = writer.length;
  const args = { newSecret: encodeText(secret), reason: "renewed" };
  writeMethod(writer, 0, "connection.update-secret", args);
  const fits = writer.length - start <= frameMax;
  if (!fits) writer.truncate(start);
  return fits;
}

/** The broker closed the stream silently, because the login was too large. */
export class LoginTooLarge extends Error {
  /** The message says how large it may be. */
  constructor(message: string, cause: unknown) {
    super(message, { cause });
  }
}
