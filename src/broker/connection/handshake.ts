/** How a connection begins, from the protocol header to connection.open. */
import { Access } from "./access.ts";
import { readArguments, writeMethod } from "../../amqp091/arguments.ts";
import { authenticate, type Login, loginRefused } from "./authentication.ts";
import { AmqpError } from "../../amqp091/errors.ts";
import { greet } from "./greeting.ts";
import type { ConnectionHost } from "./host.ts";
import type {
  Arguments,
  ClientConnectionMethod,
} from "../../amqp091/methods.ts";
import type { Settings } from "../options.ts";
import type { Reader } from "../../amqp091/reader.ts";
import { asBoolean, asTable, lookup, type Table } from "../../amqp091/table.ts";
import type { VHost } from "../routing/vhost.ts";
import type { Writer } from "../../amqp091/writer.ts";

/** The limits that both sides have agreed on. */
type Tuned = Arguments<"connection.tune-ok">;

/** An open connection. */
export interface Opened extends Tuned {
  /** What the client says about itself. */
  readonly clientProperties: Table;
  /** Whether the client wants to be told when the broker ends a consumer. */
  readonly cancelNotify: boolean;
  /** Whether the client wants to be told when it is blocked. */
  readonly blockedNotify: boolean;
  readonly vhost: VHost;
  readonly access: Access;
}

/** What the broker awaits: the protocol header, start-ok, tune-ok, open. */
type Step = "header" | "starting" | "tuning" | "opening" | "done";

/** The handshake of one connection. */
export class Handshake {
  step: Step = "header";
  readonly #host: ConnectionHost;
  readonly #out: Writer;
  #clientProperties: Table = [];
  #capabilities: Table = [];
  #login: Login = { name: "", patterns: undefined };
  #tuned: Tuned | undefined;

  constructor(host: ConnectionHost, out: Writer) {
    this.#host = host;
    this.#out = out;
  }

  /** Whether the client claims this capability. */
  clientCan(capability: string): boolean {
    return asBoolean(lookup(this.#capabilities, capability)) ?? false;
  }

  /** Answers the protocol header; returns whether it is one for AMQP 0-9-1. */
  begin(header: string): boolean {
    const { settings, version } = this.#host;
    const known = greet(this.#out, header, settings.behavior, version);
    if (known) this.step = "starting";
    return known;
  }

  /**
   * Handles a method.
   *
   * @returns the connection once it is open.
   * @throws {AmqpError} 504 for any method but the one awaited, and for what
   *   `authenticate` and `checkTuned` refuse.
   */
  handle(name: ClientConnectionMethod, reader: Reader): Opened | undefined {
    if (name === "connection.start-ok" && this.step === "starting") {
      this.#startOk(readArguments(name, reader));
      return undefined;
    }
    if (name === "connection.tune-ok" && this.step === "tuning") {
      this.#tuned = readArguments(name, reader);
      checkTuned(this.#tuned, this.#host.settings);
      this.step = "opening";
      return undefined;
    }
    if (name === "connection.open" && this.step === "opening") {
      return this.#open(readArguments(name, reader));
    }
    throw unexpected(this.step);
  }

  #startOk(args: Arguments<"connection.start-ok">): void {
    const { settings, faults } = this.#host;
    this.#clientProperties = args.clientProperties;
    const capabilities = lookup(args.clientProperties, "capabilities");
    this.#capabilities = asTable(capabilities) ?? [];
    this.#login = authenticate(args, settings);
    if (faults.refusesLogin(this.#login.name)) {
      throw loginRefused(args.mechanism);
    }
    this.step = "tuning";
    writeMethod(this.#out, 0, "connection.tune", settings);
  }

  #open({ vhost: name }: Arguments<"connection.open">): Opened {
    const vhost = this.#host.findVhost(name);
    if (vhost === undefined) {
      throw new AmqpError("NOT_ALLOWED", `vhost ${name} not found`);
    }
    this.step = "done";
    writeMethod(this.#out, 0, "connection.open-ok");
    return {
      ...this.#tuned!,
      clientProperties: this.#clientProperties,
      cancelNotify: this.clientCan("consumer_cancel_notify"),
      blockedNotify: this.clientCan("connection.blocked"),
      vhost,
      access: new Access(this.#login, vhost),
    };
  }
}

/** 504 for a method that does not belong in this state of a connection. */
export function unexpected(state: string): AmqpError {
  return new AmqpError(
    "CHANNEL_ERROR",
    `unexpected method in connection state ${state}`,
  );
}

/**
 * Checks what the client chose.
 *
 * @throws {AmqpError} 530 if it is outside of what was offered.
 */
function checkTuned(chosen: Tuned, offered: Settings): void {
  const { frameMin } = offered.behavior;
  checkChosen("frame_max", chosen.frameMax, frameMin, offered.frameMax);
  checkChosen("channel_max", chosen.channelMax, 1, offered.channelMax);
}

function checkChosen(
  name: string,
  chosen: number,
  least: number,
  most: number,
): void {
  const refuse = (how: string, limit: number) => {
    const detail = name === "channel_max" && chosen === 0 ? " (no limit)" : "";
    return new AmqpError(
      "NOT_ALLOWED",
      `negotiated ${name} = ${chosen}${detail} is ${how} allowed value (${limit})`,
    );
  };
  // 0 asks for no limit at all.
  if (chosen !== 0 && chosen < least) {
    throw refuse("lower than the minimum", least);
  }
  if (chosen === 0 || chosen > most) {
    throw refuse("higher than the maximum", most);
  }
}
