/** How a headers exchange compares a binding's arguments with a message. */
import { AmqpError } from "../../amqp091/errors.ts";
import { comparable, printable } from "./fields.ts";
import { asString, lookup, type Table, typeName } from "../../amqp091/table.ts";

const MODES = ["all", "any", "all-with-x", "any-with-x"];

/** @throws {AmqpError} 406 unless the binding's "x-match" is valid. */
export function checkHeadersBinding(args: Table): void {
  const field = lookup(args, "x-match");
  if (field === undefined) return;
  const mode = asString(field);
  if (mode === undefined) {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `Invalid x-match field type ${typeName(field)} (value ${
        printable(field)
      }); expected longstr`,
    );
  }
  if (!MODES.includes(mode)) {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `Invalid x-match field value <<"${mode}">>; expected all, any, all-with-x, or any-with-x`,
    );
  }
}

/** A binding's arguments, prepared for comparing them with many messages. */
export interface HeadersPattern {
  readonly any: boolean;
  /** Names with comparable values; undefined accepts any value. */
  readonly wanted: readonly (readonly [string, string | undefined])[];
}

/** The pattern of a binding's arguments. */
export function headersPattern(args: Table): HeadersPattern {
  const mode = asString(lookup(args, "x-match")) ?? "all";
  const withX = mode.endsWith("-with-x");
  const wanted = args
    .filter(([key]) => key !== "x-match" && (withX || !key.startsWith("x-")))
    .map(([key, field]) =>
      [key, field.tag === "V" ? undefined : comparable(field)] as const
    );
  return { any: mode.startsWith("any"), wanted };
}

/** A message's headers in the form that `matches` takes. */
export function comparableHeaders(headers: Table): Map<string, string> {
  return new Map(headers.map(([key, field]) => [key, comparable(field)]));
}

/** Whether the headers have all that the pattern wants, or any of it. */
export function matches(
  pattern: HeadersPattern,
  headers: ReadonlyMap<string, string>,
): boolean {
  const has = ([key, value]: readonly [string, string | undefined]) =>
    value === undefined ? headers.has(key) : headers.get(key) === value;
  return pattern.any ? pattern.wanted.some(has) : pattern.wanted.every(has);
}
