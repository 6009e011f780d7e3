/**
 * How to declare a missing request queue, checked before a broker refuses it.
 *
 * @module
 */
import { checkHeaders } from "../headers.ts";
import { checkOneOf, checkText, queueName, wrongType } from "../limits.ts";
import { kindOf } from "../texts.ts";
import type { QueueDeclaration } from "../transport.ts";

const MODES = ["auto", "passive"];
const TYPES = ["classic", "quorum"];

/** The arguments that have options of their own. */
const OPTIONS = {
  "x-queue-type": "type",
  "x-dead-letter-exchange": "deadLetterExchange",
} as const;

/**
 * The declaration, if it makes sense.
 *
 * @throws {RangeError} for an option that is none of its values, or that an
 * argument contradicts.
 * @throws {TypeError} if an option has the wrong type.
 */
export function checkDeclaration(declare: QueueDeclaration): QueueDeclaration {
  if (typeof declare !== "object" || declare === null) {
    throw wrongType("declare", "an object", declare);
  }
  checkOneOf("declare.mode", declare.mode ?? "auto", MODES);
  checkOneOf("declare.type", declare.type ?? "classic", TYPES);
  const { arguments: given = {}, deadLetterExchange } = declare;
  checkText("declare.deadLetterExchange", deadLetterExchange);
  // The default exchange has no name.
  if (deadLetterExchange) queueName(deadLetterExchange, "deadLetterExchange");
  for (const [name, value] of Object.entries(given)) {
    const option = `declare.arguments["${name}"]`;
    if (!["string", "number", "bigint", "boolean"].includes(typeof value)) {
      throw wrongType(option, "text, a number or a boolean", value);
    }
    if (!Number.isInteger(value) || Number.isSafeInteger(value)) continue;
    throw new RangeError(
      `${option} must be a bigint beyond 2^53, got ${value}`,
    );
  }
  checkHeaders(given);
  checkConflicts(declare, given);
  return declare;
}

function checkConflicts(
  declare: QueueDeclaration,
  given: Readonly<Record<string, unknown>>,
): void {
  const { type = "classic", deadLetterExchange } = declare;
  const said = { type, deadLetterExchange };
  for (const [argument, option] of Object.entries(OPTIONS)) {
    const value = said[option];
    if (!Object.hasOwn(given, argument) || value === undefined) continue;
    if (given[argument] === value) continue;
    throw new RangeError(
      `declare.arguments["${argument}"] is ${kindOf(given[argument])}, but ` +
        `declare.${option} is "${value}"`,
    );
  }
}
