/**
 * The figures for people: a table and a histogram in text.
 *
 * @module
 */
import type { Bar, Measurement } from "./measurement.ts";
import type { Summary } from "./summary.ts";

const BARS = 16;
const BAR_WIDTH = 40;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Several lines, without the last newline. */
export function textReport(summary: Summary, measured: Measurement): string {
  const { queue, concurrency, size_bytes, rate } = summary;
  const load = rate === null
    ? `${concurrency} in flight`
    : `${rate} a second, ${concurrency} in flight at most`;
  return [
    `${summary.calls} calls of ${size_bytes} bytes to ${queue}, ${load}`,
    "",
    `  calls/s  ${summary.calls_per_second}`,
    `  errors   ${errorsLine(summary)}`,
    `  seconds  ${summary.seconds}`,
    "",
    `  mean ${ms(summary.mean_ms)}   p50 ${ms(summary.p50_ms)}   ` +
    `p90 ${ms(summary.p90_ms)}   p99 ${ms(summary.p99_ms)}   ` +
    `p99.9 ${ms(summary.p999_ms)}   max ${ms(summary.max_ms)}`,
    "",
    ...histogram(measured.bars(BARS)),
  ].join("\n").trimEnd();
}

function errorsLine({ errors, errors_by_code }: Summary): string {
  const codes = Object.entries(errors_by_code)
    .map(([code, count]) => `${count} ${code}`);
  return errors === 0 ? "0" : `${errors} (${codes.join(", ")})`;
}

function histogram(bars: Bar[]): string[] {
  const most = Math.max(...bars.map(({ count }) => count));
  const digits = String(most).length;
  return bars.map(({ toMs, count }) =>
    `  <= ${ms(toMs).padStart(9)}  ${String(count).padStart(digits)}  ` +
    bar(count / most)
  );
}

/** A bar in eighths of a character. */
function bar(share: number): string {
  const eighths = Math.round(share * BAR_WIDTH * 8);
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(3) : value.toFixed(1)}ms`;
}
