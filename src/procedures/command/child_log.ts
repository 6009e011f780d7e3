/**
 * What children say on stderr, on its way to the server's log.
 *
 * @module
 */
import { lines } from "./lines.ts";

/** More of a line is cut off. */
const MAX_LINE_BYTES = 1024;
/** More lines than this in a second are left out. */
const MAX_LINES_A_SECOND = 100;
const SECOND_MS = 1000;

/**
 * The log of one command, whatever number of children run it: each line under
 * its name, cut at 1 KiB, and 100 lines a second at most. What was left out is
 * said.
 */
export class ChildLog {
  readonly #name: string;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #secondFromMs = -Infinity;
  #lines = 0;
  #leftOut = 0;

  /** `name` is that of the command, `now` a clock in ms. */
  constructor(
    name: string,
    write: (line: string) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#name = name;
    this.#write = write;
    this.#now = now;
  }

  /** Logs what a child writes to stderr, to its end. */
  async copy(stderr: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const { text, cut } of lines(stderr, MAX_LINE_BYTES)) {
      this.add(`${this.#name}: ${printable(text)}${cut ? " [cut]" : ""}`);
    }
    this.#sayLeftOut();
  }

  /** Logs a line about a child. */
  add(line: string): void {
    const nowMs = this.#now();
    if (nowMs - this.#secondFromMs >= SECOND_MS) {
      this.#secondFromMs = nowMs;
      this.#lines = 0;
      this.#sayLeftOut();
    }
    if (this.#lines++ < MAX_LINES_A_SECOND) this.#write(line);
    else this.#leftOut++;
  }

  #sayLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#write(`${this.#name}: lines left out: ${this.#leftOut}`);
    this.#leftOut = 0;
  }
}

/** Without what would move a cursor, or end a line. */
function printable(text: string): string {
  return text.trimEnd().replace(/(?!\t)\p{Cc}/gu, "\ufffd");
}
