/**
 * stdout carries results alone; everything else goes to stderr.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { styleText } from "node:util";
import { Log } from "./log.ts";

const NEWLINE = Uint8Array.of(10);
/** Two entries a line: the line and its end. */
const MAX_WAITING_LINES = 2 * 1024;
const encoder = new TextEncoder();

/**
 * Lines for stdout, in order, as many as there are in one write. A reader that
 * is slow holds up neither the event loop nor, unless `flushed()` is awaited,
 * the caller.
 */
export class OrderedOutput {
  #lines: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  readonly #broken = Promise.withResolvers<never>();
  #isBroken = false;

  constructor() {
    // Whoever cares awaits it: a server goes on without its reader.
    this.#broken.promise.catch(ignore);
  }

  /**
   * Rejects when a write fails; what is added after that is dropped.
   *
   * @throws {Deno.errors.BrokenPipe} where the reader has gone.
   */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Adds a line, to be written as soon as those before it are. */
  add(line: string | Uint8Array): void {
    if (this.#isBroken) return;
    this.#lines.push(
      typeof line === "string" ? encoder.encode(line) : line,
      NEWLINE,
    );
    this.#writing ??= this.#write();
  }

  /** So many lines wait that `flushed()` should be awaited before more. */
  get full(): boolean {
    return this.#lines.length > MAX_WAITING_LINES;
  }

  /**
   * Resolves when all is written.
   *
   * @throws what `broken` rejects with.
   */
  async flushed(): Promise<void> {
    await this.#writing;
    if (this.#isBroken) await this.#broken.promise;
  }

  async #write(): Promise<void> {
    // The lines of one turn of the event loop go together.
    await Promise.resolve();
    try {
      while (this.#lines.length > 0) {
        const bytes = Buffer.concat(this.#lines);
        this.#lines = [];
        await writeResult(bytes);
      }
    } catch (error) {
      this.#isBroken = true;
      this.#lines = [];
      this.#broken.reject(error);
    }
    this.#writing = undefined;
  }
}

function ignore(): void {}

/** A result, as it is. */
export async function writeResult(bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

/** The reply of a single call: a newline only for people. */
export async function writeReply(bytes: Uint8Array): Promise<void> {
  await writeResult(bytes);
  if (Deno.stdout.isTerminal()) await writeResult(NEWLINE);
}

/** Text for stdout, styled where that is a terminal that wants it. */
export function styled(
  style: "bold" | "dim" | "green",
  text: string,
): string {
  if (!Deno.stdout.isTerminal() || Deno.noColor) return text;
  return styleText(style, text, { validateStream: false });
}

/** One line of text on stderr, where there is no `--log-format`. */
export function report(message: string): void {
  new Log().warn(message);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const CLEAR_LINE = "\r\x1b[K";

/** A line on stderr that replaces itself, where that is a terminal. */
export class LiveLine {
  readonly #on: boolean;

  /** Shows nothing where it is not wanted, or nobody could see it. */
  constructor(wanted: boolean) {
    this.#on = wanted && Deno.stderr.isTerminal();
  }

  /** Replaces what it shows. */
  show(text: string): void {
    if (!this.#on) return;
    Deno.stderr.writeSync(encoder.encode(`${CLEAR_LINE}${text}`));
  }

  /** Leaves no trace. */
  clear(): void {
    this.show("");
  }
}

/** A body in JSON: as text where it is UTF-8, else as base64. */
export function jsonBody(
  bytes: Uint8Array,
): { body: string } | { body_base64: string } {
  try {
    return { body: utf8.decode(bytes) };
  } catch {
    return { body_base64: Buffer.from(bytes).toString("base64") };
  }
}
