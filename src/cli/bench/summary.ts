/**
 * The figures of a benchmark, as `--format json` has them.
 *
 * @module
 */
import type { Measurement } from "./measurement.ts";

/** Latencies are in ms, rates per second. */
export interface Summary {
  queue: string;
  concurrency: number;
  size_bytes: number;
  /** Requested requests per second; null for a closed loop. */
  rate: number | null;
  calls: number;
  errors: number;
  errors_by_code: Record<string, number>;
  seconds: number;
  calls_per_second: number;
  mean_ms: number;
  p50_ms: number;
  p90_ms: number;
  p99_ms: number;
  p999_ms: number;
  max_ms: number;
  /** Of streams: the items that were read, and how long the first ones took. */
  items?: number;
  items_per_second?: number;
  first_item_p50_ms?: number;
  first_item_p99_ms?: number;
}

/** The load that was measured. */
export interface Setup {
  queue: string;
  concurrency: number;
  sizeBytes: number;
  rate?: number;
  /** Set for streams. */
  items?: number;
}

/** The figures so far. */
export function summarize(setup: Setup, measured: Measurement): Summary {
  const { replies, errors, seconds } = measured;
  const percentile = (p: number) => round(measured.percentileMs(p), 3);
  return {
    queue: setup.queue,
    concurrency: setup.concurrency,
    size_bytes: setup.sizeBytes,
    rate: setup.rate ?? null,
    calls: replies + errors,
    errors,
    errors_by_code: measured.errorsByCode,
    seconds: round(seconds, 3),
    calls_per_second: round((replies + errors) / seconds, 1),
    mean_ms: round(measured.meanMs, 3),
    p50_ms: percentile(50),
    p90_ms: percentile(90),
    p99_ms: percentile(99),
    p999_ms: percentile(99.9),
    max_ms: round(measured.maxMs, 3),
    ...(setup.items !== undefined && {
      items: measured.items,
      items_per_second: round(measured.items / seconds, 1),
      first_item_p50_ms: round(measured.firstItemMs(50), 3),
      first_item_p99_ms: round(measured.firstItemMs(99), 3),
    }),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
