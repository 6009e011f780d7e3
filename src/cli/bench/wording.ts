/**
 * How reports for people put figures into words.
 *
 * @module
 */
import type { Summary } from "./summary.ts";

/** What was asked for, in one line. */
export function loadText(summary: Summary): string {
  const { calls, size_bytes, queue, concurrency, rate } = summary;
  const load = rate === null
    ? `${concurrency} in flight`
    : `${rate} a second, ${concurrency} in flight at most`;
  return `${calls} calls of ${size_bytes} bytes to ${queue}, ${load}`;
}

/** How many failed, and with which codes. */
export function errorsText({ errors, errors_by_code }: Summary): string {
  const codes = Object.entries(errors_by_code)
    .map(([code, count]) => `${count} ${code}`);
  return errors === 0 ? "0" : `${errors} (${codes.join(", ")})`;
}

/** A latency. */
export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(3) : value.toFixed(1)}ms`;
}
