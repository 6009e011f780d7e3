/** How a connection begins: who the client is and what both agree on. */
import { AmqpError } from "../../amqp091/errors.ts";
import type { Behavior } from "../generation.ts";
import type { Arguments } from "../../amqp091/methods.ts";
import type { Settings } from "../options.ts";
import type { Writer } from "../../amqp091/writer.ts";
import type { Login } from "./permissions.ts";
import { encodeText, Reader, toBytes } from "../../amqp091/reader.ts";
import { writeMethod } from "../../amqp091/arguments.ts";
import {
  asBoolean,
  asString,
  asTable,
  booleanField,
  lookup,
  readTable,
  stringField,
  type Table,
  tableField,
} from "../../amqp091/table.ts";

/** The protocol header, which every connection starts with. */
const PROTOCOL_HEADER = "AMQP\x00\x00\x09\x01";

/** Headers of older versions that mean the same, as clients send them. */
const ALIKE: readonly string[] = [PROTOCOL_HEADER, "AMQP\x01\x01\x00\x09"];

const CAPABILITIES = [
  "publisher_confirms",
  "exchange_exchange_bindings",
  "basic.nack",
  "consumer_cancel_notify",
  "connection.blocked",
  "consumer_priorities",
  "authentication_failure_close",
  "per_consumer_qos",
  "direct_reply_to",
];

/**
 * What the broker says of itself. The version is RabbitMQ's, the one it
 * behaves as, since clients decide by it; the product says what it is.
 */
function serverProperties(behavior: Behavior, ours: string): Table {
  const capabilities = CAPABILITIES.map((name) =>
    [name, booleanField(true)] as const
  );
  return [
    ["capabilities", tableField(capabilities)],
    ["product", stringField("rabbit-rpc broker")],
    ["version", stringField(behavior.version)],
    ["platform", stringField("Deno")],
    [
      "information",
      stringField(
        `rabbit-rpc ${ours}, behaving as RabbitMQ ${behavior.version}. ` +
          "For development and tests; keeps everything in memory",
      ),
    ],
  ];
}

/**
 * Answers the protocol header: what the broker is, or what it would speak.
 * AMQP 1.0, which newer RabbitMQ speaks, is told of 0-9-1, as there is nothing
 * else here.
 *
 * @returns whether the client speaks AMQP 0-9-1.
 */
export function greet(
  out: Writer,
  header: string,
  { behavior }: Settings,
  ours: string,
): boolean {
  if (ALIKE.includes(header)) {
    const properties = serverProperties(behavior, ours);
    writeMethod(out, 0, "connection.start", {
      versionMinor: 9,
      serverProperties: properties,
      mechanisms: behavior.mechanisms,
      locales: "en_US",
    });
    return true;
  }
  const isAmqp = header.startsWith("AMQP");
  out.raw(toBytes(isAmqp ? PROTOCOL_HEADER : behavior.headerForStrangers));
  return false;
}

/** Whether a client says, in its properties, that it can do something. */
export function can(clientProperties: Table, capability: string): boolean {
  const capabilities = asTable(lookup(clientProperties, "capabilities")) ?? [];
  return asBoolean(lookup(capabilities, capability)) ?? false;
}

/** A name and a password, as byte strings. */
interface Credentials {
  readonly user: string;
  readonly password: string;
}

function plain(response: string): Credentials {
  const match = /^\0([^\0]*)\0([^\0]*)$/.exec(response);
  if (match === null) {
    throw new AmqpError("SYNTAX_ERROR", "response of mechanism PLAIN invalid");
  }
  return { user: match[1], password: match[2] };
}

function amqplain(response: string): Credentials {
  // The response is a table without the size in front.
  const bytes = toBytes("\0\0\0\0" + response);
  new DataView(bytes.buffer).setUint32(0, response.length);
  const table = readTable(new Reader(bytes));
  const user = asString(lookup(table, "LOGIN"));
  const password = asString(lookup(table, "PASSWORD"));
  if (user === undefined || password === undefined) {
    throw new AmqpError(
      "SYNTAX_ERROR",
      "AMQPLAIN auth info is missing LOGIN or PASSWORD field",
    );
  }
  return { user, password };
}

/** Who says nothing is guest, as RabbitMQ has it by default. */
function anonymous(): Credentials {
  return { user: "guest", password: "guest" };
}

const MECHANISMS = new Map([
  ["PLAIN", plain],
  ["AMQPLAIN", amqplain],
  ["ANONYMOUS", anonymous],
]);

/**
 * The user who logs in.
 *
 * @throws {AmqpError} 403 if the name or password is wrong, 503 for another
 *   mechanism, 502 if it is malformed.
 */
export function authenticate(
  { mechanism, response }: Arguments<"connection.start-ok">,
  { users, behavior }: Settings,
): Login {
  const offered = behavior.mechanisms.split(" ").includes(mechanism);
  const decode = offered ? MECHANISMS.get(mechanism) : undefined;
  if (decode === undefined) {
    throw new AmqpError(
      "COMMAND_INVALID",
      `unknown authentication mechanism '${mechanism}'`,
    );
  }
  const { user, password } = decode(response);
  for (const [name, expected] of users) {
    if (encodeText(name) !== user) continue;
    if (encodeText(expected.password) !== password) continue;
    return { name: user, patterns: expected.patterns };
  }
  throw loginRefused(mechanism);
}

/** 403, for a wrong password as well as for a login that is not wanted. */
export function loginRefused(mechanism: string): AmqpError {
  return new AmqpError(
    "ACCESS_REFUSED",
    `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`,
  );
}

/**
 * Checks what the client chose.
 *
 * @throws {AmqpError} 530 if it is outside of what was offered.
 */
export function checkTuned(
  chosen: Arguments<"connection.tune-ok">,
  offered: Settings,
): void {
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
