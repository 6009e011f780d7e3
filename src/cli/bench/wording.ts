/**
 * Texts that the reports for people share.
 *
 * @module
 */
import { counted } from "../../rpc/texts.ts";
import type { Summary } from "./summary.ts";

/** The load, in one line. */
export function loadText(summary: Summary): string {
  const { calls, size_bytes, queue, concurrency, rate } = summary;
  const load = rate === null
    ? `${concurrency} in flight`
    : `${rate} per second, at most ${concurrency} in flight`;
  return `${counted(calls, "call")} of ${counted(size_bytes, "byte")} to ` +
    `${queue}, ${load}`;
}

/** The number of failures, and their codes. */
export function errorsText({ errors, errors_by_code }: Summary): string {
  const codes = Object.entries(errors_by_code)
    .map(([code, count]) => `${count} ${code}`);
  return errors === 0 ? "0" : `${errors} (${codes.join(", ")})`;
}

/** A latency, with its unit. */
export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(3) : value.toFixed(1)}ms`;
}
