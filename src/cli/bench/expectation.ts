/**
 * `--expect 'p99<50ms'`: bounds that decide the exit status.
 *
 * @module
 */
import { InvalidArgumentError } from "commander";
import { parseDuration } from "../flags/values.ts";
import type { Summary } from "./summary.ts";

/** A bound on one figure. */
export interface Expectation {
  /** The text of the flag. */
  readonly text: string;
  /** Whether the bound is kept. */
  holds(summary: Summary): boolean;
  /** The measured figure, for the message if it is not. */
  figure(summary: Summary): number;
}

const LATENCIES: Record<string, keyof Summary> = {
  mean: "mean_ms",
  p50: "p50_ms",
  p90: "p90_ms",
  p99: "p99_ms",
  p999: "p999_ms",
  max: "max_ms",
};

const NUMBERS: Record<string, keyof Summary> = {
  errors: "errors",
  rate: "calls_per_second",
};

const COMPARE: Record<string, (figure: number, bound: number) => boolean> = {
  "<": (figure, bound) => figure < bound,
  "<=": (figure, bound) => figure <= bound,
  ">": (figure, bound) => figure > bound,
  ">=": (figure, bound) => figure >= bound,
};

/** Parses `p99<50ms`, `rate>=1000`, `errors<=0`; several with commas. */
export function parseExpectations(
  text: string,
  previous: Expectation[] = [],
): Expectation[] {
  return [...previous, ...text.split(",").map(parseExpectation)];
}

function parseExpectation(text: string): Expectation {
  const match = /^\s*(\w+)\s*(<=|>=|<|>)\s*(\S+)\s*$/.exec(text);
  const [, name = "", operator = "", value = ""] = match ?? [];
  const key = LATENCIES[name] ?? NUMBERS[name];
  const compare = COMPARE[operator];
  if (key === undefined || compare === undefined) {
    const names = [...Object.keys(LATENCIES), ...Object.keys(NUMBERS)];
    throw new InvalidArgumentError(
      `It must be a bound such as p99<50ms on one of ${names.join(", ")}.`,
    );
  }
  const bound = name in LATENCIES ? parseDuration(value) : Number(value);
  if (Number.isNaN(bound)) {
    throw new InvalidArgumentError(`${value} is not a number.`);
  }
  const figure = (summary: Summary) => Number(summary[key]);
  return {
    text: text.trim(),
    figure,
    holds: (summary) => compare(figure(summary), bound),
  };
}
