/**
 * Checks of what a caller passes as options: plain JavaScript may pass anything.
 *
 * @module
 */
import { kindOf, quote } from "./texts.ts";

/**
 * A whole number within limits.
 *
 * @throws {RangeError} naming the option if it is another number.
 * @throws {TypeError} if it is none.
 */
export function wholeNumber(
  option: string,
  value: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const wanted = max === Number.MAX_SAFE_INTEGER
    ? `a whole number, ${min} or more`
    : `a whole number from ${min} to ${max}`;
  throw outOfRange(option, wanted, value);
}

/**
 * A duration above zero in ms.
 *
 * @throws {RangeError} naming the option if it is another number.
 * @throws {TypeError} if it is none.
 */
export function durationMs(
  option: string,
  value: number,
  max: number = Infinity,
): number {
  if (Number.isFinite(value) && value > 0 && value <= max) return value;
  const wanted = max === Infinity ? "above 0" : `above 0, ${max} at most`;
  throw outOfRange(option, `a number of ms ${wanted}`, value);
}

function outOfRange(option: string, wanted: string, value: unknown): Error {
  return typeof value === "number"
    ? new RangeError(`${option} must be ${wanted}, got ${value}`)
    : wrongType(option, wanted, value);
}

/** The error for an option that TypeScript would have refused. */
export function wrongType(
  option: string,
  wanted: string,
  value: unknown,
): TypeError {
  return new TypeError(`${option} must be ${wanted}, got ${kindOf(value)}`);
}

/** @throws {TypeError} naming the option if it is given and not a string. */
export function checkText(option: string, value: unknown): void {
  if (value === undefined || typeof value === "string") return;
  throw wrongType(option, "text", value);
}

/** @throws {TypeError} naming the option if it is given and not a function. */
export function checkFunction(option: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw wrongType(option, "a function", value);
}

/** @throws {RangeError} naming the option if it is not one of these values. */
export function checkOneOf(
  option: string,
  value: unknown,
  allowed: readonly string[],
): void {
  if (allowed.includes(value as string)) return;
  const wanted = allowed.join(" or ");
  throw new RangeError(
    `${option} must be ${wanted}, got ${JSON.stringify(value)}`,
  );
}

/** @throws {TypeError} if the options are not an object. */
export function checkOptions(options: unknown): void {
  if (typeof options === "object" && options !== null) return;
  throw wrongType("options", "an object", options);
}

/** Of UTF-16, each at most three bytes of UTF-8. */
const SURELY_SHORT_UNITS = 255 / 3;

/**
 * A queue name that AMQP can carry (1 to 255 bytes), and that RabbitMQ takes as
 * it is.
 *
 * @throws {RangeError} naming the option if it is any other string.
 * @throws {TypeError} if it is none.
 */
export function queueName(value: string, option = "queue"): string {
  if (typeof value !== "string") throw wrongType(option, "a name", value);
  // Every call runs this, and hardly any name is long enough to be measured.
  const bytes = value.length <= SURELY_SHORT_UNITS
    ? value.length
    : new TextEncoder().encode(value).length;
  if (bytes < 1 || bytes > 255) {
    throw new RangeError(
      `${option} must be a name of 1 to 255 bytes, got ${bytes} bytes`,
    );
  }
  if (value.includes("\n") || value.includes("\r")) {
    throw new RangeError(
      `${option} must be a name without line breaks, which RabbitMQ drops, ` +
        `got ${quote(value, 255)}`,
    );
  }
  return value;
}
