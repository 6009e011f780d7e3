/**
 * The progress of a batch, on a line of stderr that is redrawn in place.
 *
 * @module
 */
import type { Paint } from "../../stdio/color.ts";
import { formatCount } from "../../../rpc/texts.ts";
import { LiveLine } from "../../stdio/live_line.ts";
import { progressBar, terminalColumns } from "../../stdio/progress_bar.ts";
import type { Tally } from "./tally.ts";

const INTERVAL_MS = 200;
/** The rate is an average over so many intervals, to be readable. */
const RATE_SAMPLES = 25;

/** What the line shows. */
export interface ProgressState {
  readonly done: number;
  readonly failed: number;
  /** Per second. */
  readonly rate: number;
  /** From 0 to 1; undefined if the size of the input is unknown. */
  readonly fraction: number | undefined;
  readonly secondsLeft: number | undefined;
}

/** The state of a batch at one moment. */
interface Sample {
  readonly atMs: number;
  readonly done: number;
  readonly bytes: number;
}

/** Shows a tally as it grows, if stderr is a terminal. */
export class Progress implements Disposable {
  readonly #line: LiveLine;
  readonly #tally: Tally;
  readonly #totalBytes: number | undefined;
  readonly #paint: Paint;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #samples: Sample[] = [];

  /** `totalBytes` is the size of the input, if it is known. */
  constructor(
    wanted: boolean,
    tally: Tally,
    totalBytes: number | undefined,
    paint: Paint,
  ) {
    this.#line = new LiveLine(wanted);
    this.#tally = tally;
    this.#totalBytes = totalBytes;
    this.#paint = paint;
    this.#sample();
    this.#timer = setInterval(() => this.#show(), INTERVAL_MS);
  }

  /** Removes the line until the next redraw. */
  clear(): void {
    this.#line.clear();
  }

  /** The same; resolves once the terminal no longer shows it. */
  cleared(): Promise<void> {
    return this.#line.cleared();
  }

  /** Removes the line for good. */
  end(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  /** Same as {@linkcode Progress.end}. */
  [Symbol.dispose](): void {
    this.end();
  }

  #show(): void {
    const first = this.#samples[0]!;
    const last = this.#sample();
    const state = progressState(first, last, this.#tally, this.#totalBytes);
    this.#line.show(progressLine(state, terminalColumns(), this.#paint));
  }

  #sample(): Sample {
    const { done, bytes } = this.#tally;
    const sample = { atMs: performance.now(), done, bytes };
    this.#samples.push(sample);
    if (this.#samples.length > RATE_SAMPLES) this.#samples.shift();
    return sample;
  }
}

function progressState(
  first: Sample,
  last: Sample,
  { done, failed }: Tally,
  totalBytes: number | undefined,
): ProgressState {
  const seconds = (last.atMs - first.atMs) / 1000;
  const rate = (last.done - first.done) / seconds;
  const fraction = totalBytes && Math.min(last.bytes / totalBytes, 1);
  const bytesPerSecond = (last.bytes - first.bytes) / seconds;
  const secondsLeft = totalBytes && bytesPerSecond > 0
    ? Math.max(totalBytes - last.bytes, 0) / bytesPerSecond
    : undefined;
  return { done, failed, rate, fraction, secondsLeft };
}

/** A line that fits into a terminal of so many columns. */
export function progressLine(
  state: ProgressState,
  columns: number,
  paint: Paint,
): string {
  const { done, failed, rate, fraction, secondsLeft } = state;
  const failures = `${formatCount(failed)} failed`;
  const parts = [
    `${formatCount(done)} done`,
    failures,
    `${formatCount(Math.round(rate))}/s`,
    ...(secondsLeft === undefined ? [] : [`${formatTime(secondsLeft)} left`]),
  ];
  const figures = parts.join(", ");
  const bar = fraction === undefined
    ? ""
    : progressBar(fraction, columns - figures.length - 1);
  // The last column stays empty: some terminals wrap there.
  const line = `${bar}${figures}`.slice(0, columns - 1);
  return failed === 0 ? line : line.replace(failures, paint("red", failures));
}

/** `0:07`, `12:30`, `1:02:03`. */
function formatTime(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60)];
  const two = (value: number) => String(value % 60).padStart(2, "0");
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole)}`
    : `${minutes}:${two(whole)}`;
}
