/**
 * stdout carries results alone; everything else goes to stderr.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { waitAtMost } from "../rpc/delay.ts";
import { afterMicrotasks } from "../rpc/turns.ts";

const NEWLINE = Uint8Array.of(10);
/** What may wait for a slow reader: entries, two of them a line, and bytes. */
const MAX_WAITING = { entries: 2 * 1024, bytes: 4 * 2 ** 20 };
const encoder = new TextEncoder();

/** How an {@linkcode OrderedOutput} writes. */
export interface OutputOptions {
  /** Stands after each line. @default a newline */
  end?: Uint8Array;
  /** Called before each write, to clear what else a terminal shows. */
  beforeWrite?: () => void;
}

/**
 * Lines for stdout, in order, as many as there are in one write. A reader that
 * is slow holds up neither the event loop nor, unless `flushed()` is awaited,
 * the caller.
 */
export class OrderedOutput {
  readonly #end: Uint8Array;
  readonly #beforeWrite: (() => void) | undefined;
  #lines: Uint8Array[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  readonly #broken = Promise.withResolvers<never>();
  #isBroken = false;

  constructor(options: OutputOptions = {}) {
    this.#end = options.end ?? NEWLINE;
    this.#beforeWrite = options.beforeWrite;
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
    const bytes = typeof line === "string" ? encoder.encode(line) : line;
    this.#lines.push(bytes, this.#end);
    this.#bytes += bytes.length;
    this.#writing ??= this.#write();
  }

  /** So much waits that `flushed()` should be awaited before more. */
  get full(): boolean {
    return this.#lines.length > MAX_WAITING.entries ||
      this.#bytes > MAX_WAITING.bytes;
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

  /** Resolves when all is written that can be in so many ms. */
  async flushedWithin(limitMs: number): Promise<void> {
    try {
      await waitAtMost(limitMs, this.flushed());
    } catch {
      // Nobody reads any more: there is nothing to wait for.
    }
  }

  async #write(): Promise<void> {
    // The lines of one turn of the event loop go together: each reply settles
    // in a microtask of its own, and a write is dear.
    await new Promise<void>(afterMicrotasks);
    try {
      while (this.#lines.length > 0) {
        const bytes = Buffer.concat(this.#lines);
        this.#lines = [];
        this.#bytes = 0;
        this.#beforeWrite?.();
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

const CLEAR_LINE = "\r\x1b[K";

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
    Deno.stderr.writeSync(encoder.encode(`${CLEAR_LINE}${text}`));
  }

  /** Leaves no trace. */
  clear(): void {
    this.show("");
  }
}
