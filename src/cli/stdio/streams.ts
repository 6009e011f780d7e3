/**
 * The program's own stdin, stdout and stderr.
 *
 * @module
 */
import { delay } from "../../async/delay.ts";
import { streamError } from "./file_errors.ts";

/** How long to wait when a non-blocking stream is full. */
const RETRY_MS = 10;

/**
 * Writes all bytes to stdout.
 *
 * @throws {Deno.errors.BrokenPipe} if the reader has gone.
 * @throws {CliError} 74 if it can't be written.
 */
export async function writeStdout(bytes: Uint8Array): Promise<void> {
  try {
    await writeAll(Deno.stdout, bytes);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    throw streamError("write to stdout", error);
  }
}

/** Writes all bytes to stderr. */
export async function writeStderr(bytes: Uint8Array): Promise<void> {
  await writeAll(Deno.stderr, bytes);
}

/**
 * Reads stdin as it arrives.
 *
 * @throws {CliError} 74 if it can't be read, as when it is a directory.
 */
export async function* readStdinChunks(): AsyncGenerator<Uint8Array> {
  try {
    yield* Deno.stdin.readable;
  } catch (error) {
    throw streamError("read stdin", error);
  }
}

async function writeAll(
  stream: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    try {
      written += await stream.write(bytes.subarray(written));
    } catch (error) {
      // The stream is shared with the parent, which made it non-blocking.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await delay(RETRY_MS);
    }
  }
}
