/**
 * Parsers for the values of flags.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";

/** Limit on requests in flight: each one waits in memory. */
export const MAX_IN_FLIGHT = 100_000;
/** Limit on the prefetch count, from the protocol. */
export const MAX_PREFETCH = 65_535;
/** Limit on worker threads: each one has a heap of its own. */
export const MAX_WORKERS = 1_024;
/** The default `max_message_size` of older RabbitMQ, in bytes. */
export const MAX_BODY_BYTES = 128 * 2 ** 20;

const UNITS_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const UNITS_BYTES: Record<string, number> = {
  "": 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** Parses `16MiB`, `64KiB` or `1000000` into bytes, above zero. */
export function parseSize(text: string): number {
  const match = /^(\d{1,12})(|KiB|MiB|GiB)$/.exec(text);
  const bytes = match ? Number(match[1]) * UNITS_BYTES[match[2]!]! : NaN;
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError(
    "It must be a size above zero such as 16MiB, 64KiB or 1000000 (bytes).",
  );
}

/** What one stream may have at most. */
export interface StreamLimit {
  readonly items?: number;
  readonly bytes?: number;
}

/** Parses `1000` (items), `64MiB`, or both as in `1000,64MiB`. */
export function parseStreamLimit(text: string): StreamLimit {
  const [first = "", second, ...others] = text.split(",");
  const limit = { ...oneLimit(first), ...(second && oneLimit(second)) };
  const count = Object.keys(limit).length;
  if (count === (second === undefined ? 1 : 2) && others.length === 0) {
    return limit;
  }
  throw new InvalidArgumentError(
    "It must be a number of items such as 1000, a size such as 64MiB, or both " +
      "with a comma.",
  );
}

function oneLimit(text: string): StreamLimit {
  if (/^[1-9]\d{0,11}$/.test(text)) return { items: Number(text) };
  return /^\d+[KMG]iB$/.test(text) ? { bytes: parseSize(text) } : {};
}

/** Parses names separated by commas; a repeated flag adds to the list. */
export function parseNames(text: string, before: string[] = []): string[] {
  const names = text.split(",");
  if (names.every(Boolean)) return [...before, ...names];
  throw new InvalidArgumentError("It must be names separated by commas.");
}

/** Parses `500ms`, `30s`, `2m`, `1h` or `7d` into ms. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match) return Number(match[1]) * UNITS_MS[match[2]!]!;
  throw new InvalidArgumentError(
    "It must be a duration such as 500ms, 30s, 2m, 1h or 7d.",
  );
}

/** Parses a duration above zero. */
export function parseTimeout(text: string): number {
  const ms = parseDuration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("It must be above zero.");
}

/** Parses a duration in whole seconds, the unit of the protocol. */
export function parseSeconds(text: string): number {
  const ms = parseDuration(text);
  if (ms % 1000 === 0) return ms;
  throw new InvalidArgumentError("It must be in whole seconds, such as 20s.");
}

/** A parser for whole numbers from `min` to `max`. */
export function parseCount(
  min: number,
  max?: number,
): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= (max ?? value)) return value;
    const range = max === undefined
      ? `, ${min} or more`
      : ` from ${min} to ${max}`;
    throw new InvalidArgumentError(`It must be a whole number${range}.`);
  };
}

/** Parses a rate per second above zero: `1000`, `0.1`, `1e-3`. */
export function parseRate(text: string): number {
  const rate = /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  if (rate > 0) return rate;
  throw new InvalidArgumentError("It must be a number above 0.");
}
