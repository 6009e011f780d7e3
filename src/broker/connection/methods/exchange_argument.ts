/** Arguments of a declaration that name an exchange. */
import { AmqpError } from "../../../amqp091/errors.ts";
import {
  asString,
  lookup,
  type Table,
  typeName,
} from "../../../amqp091/table.ts";

/**
 * The exchange that an argument names; undefined without the argument.
 *
 * @param what what is declared, for the reply text
 * @throws {AmqpError} 406 if the argument is not a string.
 */
export function exchangeNamed(
  table: Table,
  key: string,
  what: string,
): string | undefined {
  const field = lookup(table, key);
  if (field === undefined || field.tag === "S") return asString(field);
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `invalid type '${typeName(field)}' for arg '${key}' in ${what}`,
  );
}
