/** Who the client is: the SASL mechanisms, and the users of the broker. */
import { AmqpError } from "../../amqp091/errors.ts";
import type { Arguments } from "../../amqp091/methods.ts";
import { encodeText, Reader, toBytes } from "../../amqp091/reader.ts";
import { asString, lookup, readTable } from "../../amqp091/table.ts";
import type { Settings } from "../options.ts";
import type { Patterns } from "../permissions.ts";

/** A user who has logged in. */
export interface Login {
  /** The user's name, a byte string. */
  readonly name: string;
  /** Undefined for a user who may do everything. */
  readonly patterns: Patterns | undefined;
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
  // The response is a table without its size.
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

/** Anonymous clients are guest, which is RabbitMQ's default. */
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
 * @throws {AmqpError} 403 if the name or password is wrong, 503 for an unknown
 *   mechanism, 502 if the response is malformed.
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

/** 403, for a wrong password and for a login that a test refuses. */
export function loginRefused(mechanism: string): AmqpError {
  return new AmqpError(
    "ACCESS_REFUSED",
    `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`,
  );
}
