/** Fields of tables, as RabbitMQ compares and prints them. */
import {
  asBoolean,
  asFloat,
  asInteger,
  asString,
  type Field,
} from "../../amqp091/table.ts";
import { byteString } from "../../amqp091/reader.ts";

/**
 * A text that is equal for two fields exactly when RabbitMQ takes them for
 * equal: 5 is 5 in any integer type.
 */
export function comparable(field: Field): string {
  const number = asInteger(field) ?? asFloat(field);
  if (number !== undefined) return `${typeof number} ${number}`;
  return `${field.tag} ${byteString(field.bytes)}`;
}

/** The value as RabbitMQ prints it in reply texts. */
export function printable(field: Field): string {
  const text = asString(field) ?? asBoolean(field) ?? asInteger(field) ??
    asFloat(field);
  return text === undefined ? `<<${field.bytes.join(",")}>>` : `${text}`;
}
