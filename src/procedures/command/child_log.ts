/**
 * Copies the stderr of child processes to the server's log.
 *
 * @module
 */
import { LineLimit } from "../line_limit.ts";
import { lines } from "./lines.ts";

/** Longer lines are cut. */
const MAX_LINE_BYTES = 1024;
const SCHEME_END = "://";

/**
 * The log of a command, shared by all its processes: each line has the name of
 * the command and at most 1 KiB, and there are at most 100 lines per second.
 */
export class ChildLog {
  readonly #name: string;
  readonly #limit: LineLimit;

  /** `name` is the name of the command, `now` a clock in ms. */
  constructor(name: string, write: (line: string) => void, now?: () => number) {
    this.#name = name;
    this.#limit = new LineLimit(name, write, now);
  }

  /** Logs the lines of a child's stderr, until it ends. */
  async copy(stderr: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const { text, cut } of lines(stderr, MAX_LINE_BYTES)) {
      const shown = cut ? `${withoutHalfUrl(text)} [cut]` : text.trimEnd();
      this.add(`${this.#name}: ${shown}`);
    }
    this.#limit.reportDropped();
  }

  /** Logs a line about a process. */
  add(line: string): void {
    this.#limit.add(line);
  }
}

/**
 * Removes the end of a URL that was cut: its password would no longer be
 * recognized and redacted.
 */
function withoutHalfUrl(text: string): string {
  const scheme = text.lastIndexOf(SCHEME_END);
  if (scheme < 0 || text.includes("@", scheme)) return text;
  return text.slice(0, scheme + SCHEME_END.length);
}
