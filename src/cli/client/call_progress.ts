/**
 * `--progress`: how far the server is with a call, in a bar on stderr.
 *
 * @module
 */
import { formatCount } from "../../rpc/texts.ts";
import { Log, type LogFlags } from "../log.ts";
import { oneLine } from "../printable.ts";
import { LiveLine } from "../stdio/live_line.ts";
import { progressBar, terminalColumns } from "../stdio/progress_bar.ts";

/** Longest text of a server, in UTF-16 units. */
const MAX_TEXT = 500;
/** Where stderr is no terminal, a line at most so often. */
const LOG_INTERVAL_MS = 1_000;

/** Shows what a server tells of its progress, until it is disposed of. */
export class CallProgress implements Disposable {
  readonly #line = new LiveLine(true);
  readonly #log: Log;
  readonly #isLogged = !Deno.stderr.isTerminal();
  #loggedMs = -Infinity;
  /** Not logged yet. */
  #newest: unknown;

  /** Shows nothing yet. */
  constructor(flags: LogFlags) {
    this.#log = new Log(flags);
  }

  /** Shows a value: `{done, total, note}`, or any other JSON. */
  show(value: unknown): void {
    if (!this.#isLogged) {
      return this.#line.show(callProgressLine(value, terminalColumns()));
    }
    this.#newest = value;
    if (performance.now() - this.#loggedMs >= LOG_INTERVAL_MS) this.#flush();
  }

  /** Removes the line until there is more to show. */
  clear(): void {
    this.#line.clear();
  }

  /** The same; resolves once the terminal no longer shows it. */
  cleared(): Promise<void> {
    return this.#line.cleared();
  }

  /** Removes the line for good; what was not logged yet is. */
  end(): void {
    this.clear();
    this.#flush();
  }

  /** Same as {@linkcode CallProgress.end}. */
  [Symbol.dispose](): void {
    this.end();
  }

  #flush(): void {
    if (this.#newest === undefined) return;
    const line = callProgressLine(this.#newest, Infinity).trimStart();
    this.#log.info(line, { event: "progress", progress: this.#newest });
    this.#newest = undefined;
    this.#loggedMs = performance.now();
  }
}

/** ` 43% [####      ] 3 of 7: resizing`, in so many columns. */
export function callProgressLine(value: unknown, columns: number): string {
  const { done, total, note } = Object(value) as Record<string, unknown>;
  const figures = isCount(done)
    ? `${formatCount(done)}${isCount(total) ? ` of ${formatCount(total)}` : ""}`
    : undefined;
  const text = oneLine(
    [figures, typeof note === "string" ? note : undefined]
      .filter((part) => part !== undefined).join(": ") ||
      (JSON.stringify(value) ?? ""),
  ).slice(0, MAX_TEXT);
  const bar = isCount(done) && isCount(total) && total > 0
    ? progressBar(Math.min(done / total, 1), columns - text.length - 1)
    : "";
  // The last column stays empty: some terminals wrap there.
  return `${bar}${text}`.slice(0, columns - 1);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
