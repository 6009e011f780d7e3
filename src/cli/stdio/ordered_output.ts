/**
 * stdout carries results alone; everything else goes to stderr.
 *
 * @module
 */
import { writeStdout } from "./streams.ts";
import { WriteQueue } from "./write_queue.ts";

const NEWLINE = Uint8Array.of(10);
const encoder = new TextEncoder();

/** How an {@linkcode OrderedOutput} writes. */
export interface OutputOptions {
  /** Stands after each line. @default a newline */
  end?: Uint8Array;
  /** Awaited before each write, to clear what else a terminal shows. */
  beforeWrite?: () => Promise<void>;
}

/**
 * Lines for stdout, in order, as many as there are in one write. A reader that
 * is slow holds up neither the event loop nor, unless `flushed()` is awaited,
 * the caller.
 */
export class OrderedOutput {
  readonly #end: Uint8Array;
  readonly #queue: WriteQueue;
  readonly #broken = Promise.withResolvers<never>();
  #isBroken = false;

  /** Nothing is written yet. */
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
    // Whoever cares awaits it.
    this.#broken.promise.catch(ignore);
  }

  /**
   * Rejects when a write fails; what is added after that is dropped.
   *
   * @throws {Deno.errors.BrokenPipe} where the reader has gone.
   * @throws {CliError} 74 where stdout can't be written.
   */
  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  /** Adds a line, to be written as soon as those before it are. */
  add(line: string | Uint8Array): void {
    if (this.#isBroken) return;
    const bytes = typeof line === "string" ? encoder.encode(line) : line;
    this.#queue.add(bytes, this.#end);
  }

  /** So much waits that `flushed()` should be awaited before more. */
  get full(): boolean {
    return this.#queue.full;
  }

  /**
   * Resolves when all is written.
   *
   * @throws what `broken` rejects with.
   */
  async flushed(): Promise<void> {
    await this.#queue.flushed();
    if (this.#isBroken) await this.#broken.promise;
  }
}

function ignore(): void {}

/** The reply of a single call: a newline only for people. */
export async function writeReply(bytes: Uint8Array): Promise<void> {
  await writeStdout(bytes);
  if (Deno.stdout.isTerminal()) await writeStdout(NEWLINE);
}
