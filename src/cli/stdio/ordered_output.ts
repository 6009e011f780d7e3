/**
 * Results on stdout, complete and in order.
 *
 * @module
 */
import { settled } from "../../async/delay.ts";
import { writeStdout } from "./streams.ts";
import { WriteQueue } from "./write_queue.ts";

const NEWLINE = Uint8Array.of(10);
const encoder = new TextEncoder();

/** How an {@linkcode OrderedOutput} writes. */
export interface OutputOptions {
  /** Ends each line. @default a newline */
  end?: Uint8Array;
  /** Awaited before each write, to clear the terminal's progress line. */
  beforeWrite?: () => Promise<void>;
}

/**
 * Lines for stdout, in order, as many as possible in one write. A slow reader
 * holds up neither the event loop nor, unless `flushed()` is awaited, the
 * caller.
 */
export class OrderedOutput {
  readonly #end: Uint8Array;
  readonly #queue: WriteQueue;
  readonly #broken = Promise.withResolvers<never>();
  #isBroken = false;

  /** Writes nothing yet. */
  constructor({ end = NEWLINE, beforeWrite }: OutputOptions = {}) {
    this.#end = end;
    this.#queue = new WriteQueue({
      write: async (bytes) => {
        if (this.#isBroken) return;
        await beforeWrite?.();
        await writeStdout(bytes);
      },
      onFailure: (error) => {
        this.#isBroken = true;
        this.#broken.reject(error);
      },
    });
    // Not every caller awaits it.
    void settled(this.#broken.promise);
  }

  /**
   * Rejects when a write fails; lines added after that are dropped.
   *
   * @throws {Deno.errors.BrokenPipe} if the reader has gone.
   * @throws {CliError} 74 if stdout can't be written.
   */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Adds a line, to be written after those before it. */
  add(line: string | Uint8Array): void {
    if (this.#isBroken) return;
    const bytes = typeof line === "string" ? encoder.encode(line) : line;
    this.#queue.add(bytes, this.#end);
  }

  /** Whether so much is waiting that `flushed()` should be awaited first. */
  get full(): boolean {
    return this.#queue.full;
  }

  /**
   * Resolves when everything is written.
   *
   * @throws what `broken` rejects with.
   */
  async flushed(): Promise<void> {
    await this.#queue.flushed();
    if (this.#isBroken) await this.#broken.promise;
  }
}

/** The reply to a single call; with a newline if stdout is a terminal. */
export async function writeReply(bytes: Uint8Array): Promise<void> {
  await writeStdout(bytes);
  if (Deno.stdout.isTerminal()) await writeStdout(NEWLINE);
}
