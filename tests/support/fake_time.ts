// A clock that moves when a test says so. (The mock timers of node:test are
// missing in the oldest Deno supported.)

interface Timer {
  atMs: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

const GLOBALS = [
  "setTimeout",
  "setInterval",
  "clearTimeout",
  "clearInterval",
] as const;

/** Where the monotonic clock stands at first; far from any wall clock. */
const FIRST_MS = 5_000;

/**
 * Replaces the global timers, `performance.now()` and `Date.now()` until it is
 * disposed of.
 */
export class FakeTime implements Disposable {
  readonly #timers = new Map<number, Timer>();
  readonly #restore: () => void;
  #nowMs = FIRST_MS;
  /** What the wall clock is ahead of the monotonic one. */
  #wallMs: number;
  #lastId = 0;

  constructor(startMs: number) {
    this.#wallMs = startMs - FIRST_MS;
    const real = GLOBALS.map((name) => [name, globalThis[name]]);
    const { now } = Date;
    this.#restore = () => {
      Object.assign(globalThis, Object.fromEntries(real));
      Date.now = now;
      // That of its prototype shows again.
      delete (performance as Partial<Performance>).now;
    };
    Date.now = () => this.#nowMs + this.#wallMs;
    performance.now = () => this.#nowMs;
    const clear = (id: number) => void this.#timers.delete(id);
    Object.assign(globalThis, {
      setTimeout: (run: () => void, delayMs = 0) => this.#add(run, delayMs),
      setInterval: (run: () => void, everyMs = 0) =>
        this.#add(run, everyMs, everyMs),
      clearTimeout: clear,
      clearInterval: clear,
    });
  }

  /** Timers that have yet to fire. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves both clocks and runs what becomes due, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    while (true) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.atMs <= endMs)
        .sort(([, a], [, b]) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      const [id, timer] = due;
      this.#nowMs = Math.max(this.#nowMs, timer.atMs);
      if (timer.everyMs === undefined) this.#timers.delete(id);
      else timer.atMs = this.#nowMs + timer.everyMs;
      timer.run();
    }
    this.#nowMs = endMs;
  }

  /** Moves both clocks without running anything, as after a hold-up. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Somebody sets the wall clock: no time passes. */
  setWallClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  [Symbol.dispose](): void {
    this.#restore();
  }

  #add(run: () => void, delayMs: number, everyMs?: number): number {
    const id = ++this.#lastId;
    // A real timer that is asked for more than it can hold fires at once.
    const soonMs = delayMs > 2 ** 31 - 1 ? 1 : delayMs;
    this.#timers.set(id, { atMs: this.#nowMs + soonMs, everyMs, run });
    return id;
  }
}
