/**
 * Checks of numbers that a caller passes as options.
 *
 * @module
 */

/** The longest delay that a timer takes, in ms; it fires at once for more. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A delay that every timer takes: for a negative one, or one that is too long,
 * Node's timers print a warning.
 */
export function timerMs(ms: number): number {
  // NaN included, which is no more than 0 either.
  return ms > 0 ? Math.min(ms, LONGEST_TIMER_MS) : 0;
}

/** A whole number within limits, or a RangeError that names the option. */
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
  throw new RangeError(`${option} must be ${wanted}, got ${value}`);
}

/** A duration above zero in ms, or a RangeError that names the option. */
export function durationMs(
  option: string,
  value: number,
  max: number = Infinity,
): number {
  if (Number.isFinite(value) && value > 0 && value <= max) return value;
  const wanted = max === Infinity ? "above 0" : `above 0, ${max} at most`;
  throw new RangeError(
    `${option} must be a number of ms ${wanted}, got ${value}`,
  );
}

/** Of UTF-16, each at most three bytes of UTF-8. */
const SURELY_SHORT_UNITS = 255 / 3;

/** Every call comes by with a name, which is nearly always the same. */
let lastGoodName: string | undefined;

/**
 * A queue name that AMQP can carry (1 to 255 bytes), and that RabbitMQ takes as
 * it is, or a RangeError.
 */
export function queueName(value: string, option = "queue"): string {
  if (value !== lastGoodName) {
    checkName(value, option);
    lastGoodName = value;
  }
  return value;
}

function checkName(value: string, option: string): void {
  const bytes = value.length <= SURELY_SHORT_UNITS
    ? value.length
    : new TextEncoder().encode(value).length;
  if (bytes < 1 || bytes > 255) {
    throw new RangeError(
      `${option} must be a name of 1 to 255 bytes, got ${bytes} bytes`,
    );
  }
  if (/[\r\n]/.test(value)) {
    throw new RangeError(
      `${option} must be a name without line breaks, which RabbitMQ drops, ` +
        `got ${JSON.stringify(value)}`,
    );
  }
}

/** Units of sizes, the largest first. */
const BYTE_UNITS = [["GiB", 2 ** 30], ["MiB", 2 ** 20], [
  "KiB",
  2 ** 10,
]] as const;

/** A number of bytes as it is written in flags: `16MiB`, `64KiB`, `1000000`. */
export function formatBytes(bytes: number): string {
  const fits = BYTE_UNITS.find(([, unit]) => bytes > 0 && bytes % unit === 0);
  return fits ? `${bytes / fits[1]}${fits[0]}` : `${bytes}`;
}

/** Milliseconds for people: `500ms`, `30s`, `2m`, `1h`. */
export function formatMs(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return `${Number((ms / 1000).toFixed(3))}s`;
}
