/**
 * stderr: whoever reads it, or does not, the work goes on.
 *
 * @module
 */
import { LossyOutput } from "./lossy_output.ts";
import { writeStderr } from "./streams.ts";

/** Says that so many lines were lost, as the log has its lines. */
export type SayLost = (lines: number) => void;

let sayLost: SayLost | undefined;

/** All that goes to stderr: there is one of it in a program. */
export const stderr: LossyOutput = new LossyOutput(
  writeStderr,
  (lines) => sayLost?.(lines),
);

/** How lost lines are told from now on. */
export function onLostLines(say: SayLost): void {
  sayLost = say;
}

const CLEAR_LINE = "\r\x1b[K";
/** How long a terminal that stands still holds up what follows. */
const CLEAR_TIMEOUT_MS = 1_000;

/** A line on stderr that replaces itself, where that is a terminal. */
export class LiveLine {
  readonly #on: boolean;
  #shown = "";

  /** Shows nothing where it is not wanted, or nobody could see it. */
  constructor(wanted: boolean) {
    this.#on = wanted && Deno.stderr.isTerminal();
  }

  /** Replaces what it shows. */
  show(text: string): void {
    if (!this.#on || text === this.#shown) return;
    this.#shown = text;
    stderr.show(`${CLEAR_LINE}${text}`);
  }

  /** Leaves no trace. */
  clear(): void {
    this.show("");
  }

  /** The same; resolves when the terminal shows nothing of it. */
  async cleared(): Promise<void> {
    this.clear();
    if (this.#on) await stderr.flushedWithin(CLEAR_TIMEOUT_MS);
  }
}
