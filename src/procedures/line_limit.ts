/**
 * A bound on what somebody who can't be trusted has logged.
 *
 * @module
 */

/** More lines than this in a second are left out. */
const MAX_LINES_A_SECOND = 100;
const SECOND_MS = 1000;

/** 100 lines a second at most; how many were left out is said. */
export class LineLimit {
  readonly #name: string;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #secondFromMs = -Infinity;
  #lines = 0;
  #leftOut = 0;

  /** `name` is that of who writes, `now` a clock in ms. */
  constructor(
    name: string,
    write: (line: string) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#name = name;
    this.#write = write;
    this.#now = now;
  }

  /** Passes a line on, or counts it. */
  add(line: string): void {
    const nowMs = this.#now();
    if (nowMs - this.#secondFromMs >= SECOND_MS) {
      this.#secondFromMs = nowMs;
      this.#lines = 0;
      this.sayLeftOut();
    }
    if (this.#lines++ < MAX_LINES_A_SECOND) this.#write(line);
    else this.#leftOut++;
  }

  /** Says how many lines were left out, where some were. */
  sayLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#write(`${this.#name}: lines left out: ${this.#leftOut}`);
    this.#leftOut = 0;
  }
}
