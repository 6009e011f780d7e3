/**
 * The latencies of a benchmark, in an HDR histogram, and its errors.
 *
 * @module
 */
import { Int32Histogram } from "hdr-histogram-js";
import type { RpcError } from "../../rpc/errors.ts";

const US_PER_MS = 1000;
/** An hour in us; longer latencies count as this long. */
const LONGEST_US = 3_600_000_000;
const SIGNIFICANT_DIGITS = 3;

/** One bar of a histogram. */
export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Counts the calls of a load. */
export class Measurement {
  readonly #histogram = new Int32Histogram(1, LONGEST_US, SIGNIFICANT_DIGITS);
  readonly #firstItems = new Int32Histogram(1, LONGEST_US, SIGNIFICANT_DIGITS);
  #items = 0;
  readonly #errors = new Map<string, number>();
  readonly #perSecond: number[] = [];
  #startedMs = 0;
  #stoppedMs = 0;
  #firstError: RpcError | undefined;

  /** To be called when the load begins. */
  start(): void {
    this.#startedMs = performance.now();
  }

  /** To be called when the load has ended. */
  stop(): void {
    this.#stoppedMs = performance.now();
  }

  /** Counts a reply that came now, to a call that was due then. */
  succeeded(dueMs: number, nowMs: number): void {
    this.#histogram.recordValue(recordable(nowMs - dueMs));
    const second = Math.floor((nowMs - this.#startedMs) / 1000);
    this.#perSecond[second] = (this.#perSecond[second] ?? 0) + 1;
  }

  /** The first item of a stream has come. */
  begun(latencyMs: number): void {
    this.#firstItems.recordValue(recordable(latencyMs));
  }

  /** Counts an item of a stream. */
  addItem(): void {
    this.#items++;
  }

  /** Items of streams that came so far. */
  get items(): number {
    return this.#items;
  }

  /** The same as `percentileMs()`, of the times to first items. */
  firstItemMs(percentile: number): number {
    if (this.#items === 0) return 0;
    return this.#firstItems.getValueAtPercentile(percentile) / US_PER_MS;
  }

  /** Counts a failure. */
  failed(error: RpcError): void {
    this.#firstError ??= error;
    const count = this.#errors.get(error.code) ?? 0;
    this.#errors.set(error.code, count + 1);
  }

  /** Calls that succeeded so far. */
  get replies(): number {
    return this.#histogram.totalCount;
  }

  /** Calls that failed so far. */
  get errors(): number {
    return [...this.#errors.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The first failure. */
  get firstError(): RpcError | undefined {
    return this.#firstError;
  }

  /** Failures by code. */
  get errorsByCode(): Record<string, number> {
    return Object.fromEntries(this.#errors);
  }

  /**
   * Replies per second, for each second. A last fraction of a second is left
   * out, unless it is the only one.
   */
  get rates(): number[] {
    const whole = Math.floor(this.seconds);
    if (whole === 0) return [this.replies / this.seconds];
    return Array.from({ length: whole }, (_, i) => this.#perSecond[i] ?? 0);
  }

  /** Seconds from the start until now, or until the end. */
  get seconds(): number {
    const endMs = this.#stoppedMs || performance.now();
    return (endMs - this.#startedMs) / 1000;
  }

  /** The latency in ms that so many percent of the replies do not exceed. */
  percentileMs(percentile: number): number {
    // The histogram returns the end of a range, which may exceed the maximum.
    const us = this.#histogram.getValueAtPercentile(percentile);
    return Math.min(us / US_PER_MS, this.maxMs);
  }

  /** The longest latency, in ms. */
  get maxMs(): number {
    return this.replies === 0 ? 0 : this.#histogram.maxValue / US_PER_MS;
  }

  /** The mean latency, in ms. */
  get meanMs(): number {
    return this.replies === 0 ? 0 : this.#histogram.mean / US_PER_MS;
  }

  /** The distribution, in bars whose bounds have the same ratio. */
  bars(count: number): Bar[] {
    if (this.replies === 0) return [];
    const least = Math.max(this.#histogram.minNonZeroValue, 1);
    const ratio = Math.max((this.#histogram.maxValue + 1) / least, 1.01);
    const edge = (i: number) => least * ratio ** (i / count) / US_PER_MS;
    const bars = Array.from({ length: count }, (_, i) => ({
      fromMs: edge(i),
      toMs: edge(i + 1),
      count: 0,
    }));
    for (const { us, replies } of this.#recorded()) {
      const i = Math.floor(count * Math.log(us / least) / Math.log(ratio));
      bars[Math.min(Math.max(i, 0), count - 1)]!.count += replies;
    }
    return bars;
  }

  *#recorded(): Generator<{ us: number; replies: number }> {
    for (let i = 0; i < this.#histogram.countsArrayLength; i++) {
      const replies = this.#histogram.getCountAtIndex(i);
      if (replies > 0) yield { us: this.#histogram.valueFromIndex(i), replies };
    }
  }
}

function recordable(latencyMs: number): number {
  const us = Math.max(1, Math.round(latencyMs * US_PER_MS));
  return Math.min(us, LONGEST_US);
}
