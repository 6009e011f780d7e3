/**
 * A line on stderr that is redrawn in place, if stderr is a terminal.
 *
 * @module
 */
import { stderr } from "./stderr.ts";

const CLEAR_LINE = "\r\x1b[K";
/** How long to wait for a terminal that has stopped reading. */
const CLEAR_TIMEOUT_MS = 1_000;

/** A line that replaces itself. */
export class LiveLine {
  readonly #on: boolean;
  #shown = "";

  /** Shows nothing if it is not wanted, or if stderr is no terminal. */
  constructor(wanted: boolean) {
    this.#on = wanted && Deno.stderr.isTerminal();
  }

  /** Replaces the text. */
  show(text: string): void {
    if (!this.#on || text === this.#shown) return;
    this.#shown = text;
    stderr.show(`${CLEAR_LINE}${text}`);
  }

  /** Removes the line. */
  clear(): void {
    this.show("");
  }

  /** Removes the line; resolves once the terminal no longer shows it. */
  async cleared(): Promise<void> {
    this.clear();
    if (this.#on) await stderr.flushedWithin(CLEAR_TIMEOUT_MS);
  }
}
