/**
 * Reads what a request is made of: files, stdin, and stdin in pieces.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CliError, EXIT } from "./exit_status.ts";

/** A file, or all of stdin for `-`. */
export async function readInputFile(path: string): Promise<Uint8Array> {
  return path === "-" ? await readStdin() : await readFile(path);
}

/**
 * A whole file.
 *
 * @throws {CliError} 66 where it can't be read.
 */
export async function readFile(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const reason = systemReason(error);
    throw new CliError(EXIT.unreadable, `cannot read "${path}": ${reason}.`);
  }
}

/** What the system said, without its number and the path once more. */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\).*$/s, "");
}

/** All of stdin. */
export async function readStdin(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of Deno.stdin.readable) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** A password file holds one line; its end is not part of the password. */
export function readPassword(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
}

/**
 * The pieces of a byte stream between separators. What follows the last
 * separator counts unless it is empty.
 */
export async function* splitBytes(
  stream: AsyncIterable<Uint8Array>,
  separator: number,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  for await (const chunk of stream) {
    let start = 0;
    let end: number;
    while ((end = chunk.indexOf(separator, start)) >= 0) {
      parts.push(chunk.subarray(start, end));
      yield join(parts);
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  if (parts.length > 0) yield join(parts);
}

function join(parts: Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
}
