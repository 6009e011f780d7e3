// A machine of a simulated world: a process with clocks, timers and chance of
// its own, that may be paused and may end without a word.

import type { Loop, LoopEvent } from "./loop.ts";
import type { Random } from "./random.ts";

/** When the worlds begin, on a wall clock that is right. */
const FIRST_EPOCH_MS = Date.UTC(2026, 0, 1);

/** A Map or a Set. */
export interface Table {
  readonly size: number;
  values(): IterableIterator<unknown>;
}

/** One process. */
export class Machine {
  readonly id: number;
  readonly name: string;
  readonly random: Random;
  /** Asked for with `process.nextTick`. */
  readonly ticks: (() => void)[] = [];
  /** What its wall clock is ahead, in ms. */
  clockMs = 0;
  isAlive = true;
  /** Nothing happens on it before. */
  pausedUntilMs = 0;
  /** Maps and sets that were made on it. */
  readonly tables: Table[] = [];
  readonly #loop: Loop;
  readonly #startedMs: number;
  readonly #timers = new Map<number, { event: LoopEvent }>();
  #lastTimer = 0;

  constructor(loop: Loop, id: number, name: string, random: Random) {
    this.#loop = loop;
    this.id = id;
    this.name = name;
    this.random = random;
    this.#startedMs = loop.nowMs;
  }

  /** The monotonic clock, in ms since the machine was started. */
  get nowMs(): number {
    return this.#loop.nowMs - this.#startedMs;
  }

  /** The wall clock, in ms since the epoch. */
  get epochMs(): number {
    return Math.floor(FIRST_EPOCH_MS + this.#loop.nowMs + this.clockMs);
  }

  /** Timers that have yet to fire. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Does something on this machine, as soon as possible. */
  soon(run: () => void): void {
    this.#loop.schedule(this, this.#loop.nowMs, run);
  }

  /** Does something on this machine, in so many ms. */
  after(ms: number, run: () => void): LoopEvent {
    return this.#loop.schedule(this, this.#loop.nowMs + ms, run);
  }

  /** A timer, as the platform has them: whole ms, at least one. */
  setTimer(run: () => void, delayMs: number, everyMs?: number): number {
    const id = ++this.#lastTimer;
    const arm = (ms: number) =>
      this.after(ms, () => {
        if (everyMs === undefined) this.#timers.delete(id);
        else timer.event = arm(wholeMs(everyMs));
        run();
      });
    const timer = { event: arm(wholeMs(delayMs)) };
    this.#timers.set(id, timer);
    return id;
  }

  clearTimer(id: number): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    timer.event.canceled = true;
    this.#timers.delete(id);
  }

  /** Ends without a word: nothing happens on it any more. */
  kill(): void {
    this.isAlive = false;
    this.ticks.length = 0;
    for (const { event } of this.#timers.values()) event.canceled = true;
    this.#timers.clear();
    this.tables.length = 0;
  }
}

function wholeMs(ms: number): number {
  // NaN included. A real timer that can't hold what is asked for fires at once.
  if (!(ms >= 1) || ms > 2 ** 31 - 1) return 1;
  return Math.trunc(ms);
}
