/**
 * The program's own stdin, stdout and stderr.
 *
 * @module
 */
import { delay } from "../../async/delay.ts";
import { CliError, EXIT } from "../exit_status.ts";

/** How long to wait where a stream that does not block is full. */
const RETRY_MS = 10;

/**
 * Writes all of the bytes to stdout.
 *
 * @throws {Deno.errors.BrokenPipe} where nobody reads it any more.
 * @throws {CliError} 74 where it can't be written.
 */
export async function writeStdout(bytes: Uint8Array): Promise<void> {
  try {
    await writeAll(Deno.stdout, bytes);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    throw ioError("write to stdout", error);
  }
}

/** Writes all of the bytes to stderr. */
export async function writeStderr(bytes: Uint8Array): Promise<void> {
  await writeAll(Deno.stderr, bytes);
}

/**
 * What stdin has, as it comes.
 *
 * @throws {CliError} 74 where it can't be read: it is a directory, say.
 */
export async function* readStdinChunks(): AsyncGenerator<Uint8Array> {
  try {
    yield* Deno.stdin.readable;
  } catch (error) {
    throw ioError("read stdin", error);
  }
}

/** What the system said, without its number and the path once more. */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith("Requires all access")) {
    return "Deno opens it with --allow-all only, unless it is a pipe";
  }
  return message.replace(/ \(os error \d+\).*$/s, "");
}

/** A stream of ours that failed. */
export function ioError(attempt: string, error: unknown): CliError {
  const reason = systemReason(error);
  return new CliError(EXIT.io, `cannot ${attempt}: ${reason}.`, error);
}

async function writeAll(
  stream: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    try {
      written += await stream.write(bytes.subarray(written));
    } catch (error) {
      // Whoever started us shares the stream, and made it one of this kind.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await delay(RETRY_MS);
    }
  }
}
