/**
 * The report as text: a table and a histogram.
 *
 * @module
 */
import type { Bar, Measurement } from "./measurement.ts";
import type { Summary } from "./summary.ts";
import { errorsText, loadText, ms } from "./wording.ts";

const BARS = 16;
const BAR_WIDTH = 40;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** The report, without a newline at its end. */
export function textReport(summary: Summary, measured: Measurement): string {
  return [
    loadText(summary),
    "",
    `  calls/s  ${summary.calls_per_second}`,
    `  errors   ${errorsText(summary)}`,
    `  seconds  ${summary.seconds}`,
    ...streamLines(summary),
    "",
    `  mean ${ms(summary.mean_ms)}   p50 ${ms(summary.p50_ms)}   ` +
    `p90 ${ms(summary.p90_ms)}   p99 ${ms(summary.p99_ms)}   ` +
    `p99.9 ${ms(summary.p999_ms)}   max ${ms(summary.max_ms)}`,
    "",
    ...histogram(measured.bars(BARS)),
  ].join("\n").trimEnd();
}

function streamLines(summary: Summary): string[] {
  const { items, items_per_second, first_item_p50_ms, first_item_p99_ms } =
    summary;
  if (items === undefined) return [];
  return [
    `  items/s  ${items_per_second} (${items} items)`,
    `  first    p50 ${ms(first_item_p50_ms!)}   p99 ${ms(first_item_p99_ms!)}`,
  ];
}

function histogram(bars: Bar[]): string[] {
  if (bars.length === 0) return [];
  const most = Math.max(...bars.map(({ count }) => count));
  const width = Math.max(String(most).length, "replies".length);
  const line = (latency: string, replies: string, bar = "") =>
    `  ${latency.padStart(12)}  ${replies.padStart(width)}  ${bar}`.trimEnd();
  return [
    line("latency", "replies"),
    ...bars.map(({ toMs, count }) =>
      line(`<= ${ms(toMs).padStart(9)}`, String(count), bar(count / most))
    ),
  ];
}

/** A bar in eighths of a character; even the smallest is visible. */
function bar(share: number): string {
  const eighths = Math.ceil(share * BAR_WIDTH * 8);
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
