/**
 * What children say on stderr, on its way to the server's log.
 *
 * @module
 */
import { LineLimit } from "../line_limit.ts";
import { lines } from "./lines.ts";

/** More of a line is cut off. */
const MAX_LINE_BYTES = 1024;
const SCHEME_END = "://";

/**
 * The log of one command, whatever number of children run it: each line under
 * its name, cut at 1 KiB, and 100 lines a second at most.
 */
export class ChildLog {
  readonly #name: string;
  readonly #limit: LineLimit;

  /** `name` is that of the command, `now` a clock in ms. */
  constructor(name: string, write: (line: string) => void, now?: () => number) {
    this.#name = name;
    this.#limit = new LineLimit(name, write, now);
  }

  /** Logs what a child writes to stderr, to its end. */
  async copy(stderr: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const { text, cut } of lines(stderr, MAX_LINE_BYTES)) {
      const shown = printable(cut ? withoutHalfUrl(text) : text);
      this.add(`${this.#name}: ${shown}${cut ? " [cut]" : ""}`);
    }
    this.#limit.sayLeftOut();
  }

  /** Logs a line about a child. */
  add(line: string): void {
    this.#limit.add(line);
  }
}

/**
 * Without the URL that a cut goes through: nobody could tell its password from
 * a port any more.
 */
function withoutHalfUrl(text: string): string {
  const scheme = text.lastIndexOf(SCHEME_END);
  if (scheme < 0 || text.includes("@", scheme)) return text;
  return text.slice(0, scheme + SCHEME_END.length);
}

/** Without what would move a cursor, or end a line. */
function printable(text: string): string {
  return text.trimEnd().replace(/(?!\t)\p{Cc}/gu, "\ufffd");
}
