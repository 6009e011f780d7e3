/**
 * The program's own stdin, stdout and stderr.
 *
 * @module
 */
import { delay } from "../../async/delay.ts";
import { CliError, EXIT } from "../exit_status.ts";

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
    throw ioError("write to stdout", error);
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
    throw ioError("read stdin", error);
  }
}

/** The system's message, without the error number and the path. */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith("Requires all access")) {
    return "Deno opens it only with --allow-all, unless it is a pipe";
  }
  return message.replace(/ \(os error \d+\).*$/s, "");
}

/** The error for one of the program's streams that failed. */
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
      // The stream is shared with the parent, which made it non-blocking.
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await delay(RETRY_MS);
    }
  }
}
