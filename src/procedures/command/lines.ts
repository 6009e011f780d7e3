/**
 * The lines of a byte stream, of bounded length.
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";
import { Splitter } from "../splitter.ts";

const NEWLINE = 10;

/** A line without its newline, or the beginning of one that is too long. */
export interface Line {
  readonly text: string;
  /** Whether it was too long; the rest of it was skipped. */
  readonly cut: boolean;
  /** Whether it was not UTF-8: the text has U+FFFD where it was not. */
  readonly malformed: boolean;
}

/**
 * Splits at newlines; what follows the last one is a line unless it is empty.
 * A line that is too long is given, cut, as soon as that is known.
 */
export async function* lines(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line> {
  const splitter = new Splitter(NEWLINE, maxBytes);
  for await (const chunk of stream) {
    for (const record of splitter.split(chunk)) yield toLine(record, maxBytes);
  }
  for (const record of splitter.rest()) yield toLine(record, maxBytes);
}

function toLine(record: Uint8Array, maxBytes: number): Line {
  const { buffer, byteOffset, length } = record.subarray(0, maxBytes);
  const bytes = Buffer.from(buffer, byteOffset, length);
  return {
    text: bytes.toString(),
    cut: record.length > maxBytes,
    malformed: !isUtf8(bytes),
  };
}
