/**
 * Reads what a request is made of: files, stdin, and stdin in pieces.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { CliError, EXIT } from "../exit_status.ts";
import { isStdin } from "./paths.ts";
import { readStdinChunks, systemReason } from "./streams.ts";

/**
 * A whole file, or all of stdin.
 *
 * @throws {CliError} 66 where it can't be read, 74 if it is stdin.
 */
export async function readFile(path: string): Promise<Uint8Array> {
  if (isStdin(path)) return await readStdin();
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const reason = systemReason(error);
    throw new CliError(EXIT.unreadable, `cannot read "${path}": ${reason}.`);
  }
}

let isStdinRead = false;

/**
 * All of stdin, once.
 *
 * @throws {CliError} 74 where it can't be read, 64 where it was before.
 */
export async function readStdin(): Promise<Uint8Array> {
  if (isStdinRead) {
    throw new CliError(EXIT.usage, "stdin can't be two files at once.");
  }
  isStdinRead = true;
  const chunks: Uint8Array[] = [];
  for await (const chunk of readStdinChunks()) chunks.push(chunk);
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
  const splitter = new Splitter(separator);
  for await (const chunk of stream) yield* splitter.split(chunk);
  yield* splitter.rest();
}

/** Cuts a byte stream at its separators, a chunk at a time. */
export class Splitter {
  readonly #separator: number;
  #parts: Uint8Array[] = [];

  constructor(separator: number) {
    this.#separator = separator;
  }

  /** The pieces that end in this chunk. */
  *split(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    let end: number;
    while ((end = chunk.indexOf(this.#separator, start)) >= 0) {
      this.#parts.push(chunk.subarray(start, end));
      start = end + 1;
      yield this.#join();
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
  }

  /** What follows the last separator, unless it is empty. */
  *rest(): Generator<Uint8Array> {
    if (this.#parts.length > 0) yield this.#join();
  }

  #join(): Uint8Array {
    const parts = this.#parts;
    this.#parts = [];
    return parts.length === 1
      ? parts[0]!
      : new Uint8Array(Buffer.concat(parts));
  }
}
