/** Whether a declaration agrees with the queue or exchange that exists. */
import { AmqpError } from "../../amqp091/errors.ts";
import { comparable, printable } from "./fields.ts";
import { QUEUE_ARGUMENTS } from "./queue_arguments.ts";
import {
  asString,
  type Field,
  lookup,
  type Table,
  typeName,
} from "../../amqp091/table.ts";

/** @throws {AmqpError} 406 if an attribute differs. */
export function assertSame(
  what: string,
  name: string,
  received: string | boolean,
  current: string | boolean,
): void {
  if (received === current) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `inequivalent arg '${name}' for ${what}: received '${received}' but current is '${current}'`,
  );
}

/** @throws {AmqpError} 406 if an argument of a queue differs. */
export function assertSameArguments(
  what: string,
  received: Table,
  current: Table,
): void {
  assertSameFields(what, QUEUE_ARGUMENTS, received, current);
}

/** @throws {AmqpError} 406 if one of the named arguments differs. */
export function assertSameFields(
  what: string,
  names: readonly string[],
  received: Table,
  current: Table,
): void {
  for (const name of names) {
    const a = lookup(received, name);
    const b = lookup(current, name);
    if (a && b && comparable(a) === comparable(b)) continue;
    if (a && b) assertSame(what, name, printable(a), printable(b));
    const only = a ?? b;
    if (only === undefined || a && b) continue;
    // A classic queue may be declared without its type.
    if (name === "x-queue-type" && asString(only) === "classic") continue;
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `inequivalent arg '${name}' for ${what}: received ${
        typed(a)
      } but current is ${typed(b)}`,
    );
  }
}

function typed(field: Field | undefined): string {
  if (field === undefined) return "none";
  return `the value '${printable(field)}' of type '${typeName(field)}'`;
}
