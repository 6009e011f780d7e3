/**
 * Limits the log lines of code that can't be trusted.
 *
 * @module
 */

/** More lines in one second are dropped. */
const MAX_LINES_A_SECOND = 100;
const SECOND_MS = 1000;

/** Passes on 100 lines per second, and reports how many were dropped. */
export class LineLimit {
  readonly #name: string;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #secondFromMs = -Infinity;
  #lines = 0;
  #dropped = 0;

  /** `name` is the name of the writer, `now` a clock in ms. */
  constructor(
    name: string,
    write: (line: string) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#name = name;
    this.#write = write;
    this.#now = now;
  }

  /** Passes a line on, or counts it as dropped. */
  add(line: string): void {
    const nowMs = this.#now();
    if (nowMs - this.#secondFromMs >= SECOND_MS) {
      this.#secondFromMs = nowMs;
      this.#lines = 0;
      this.reportDropped();
    }
    if (this.#lines++ < MAX_LINES_A_SECOND) this.#write(line);
    else this.#dropped++;
  }

  /** Reports how many lines were dropped, if any. */
  reportDropped(): void {
    if (this.#dropped === 0) return;
    this.#write(`${this.#name}: lines dropped: ${this.#dropped}`);
    this.#dropped = 0;
  }
}
