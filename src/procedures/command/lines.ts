/**
 * The lines of a byte stream, of bounded length.
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";

const NEWLINE = 10;

/** A line without its newline, or the beginning of one that is too long. */
export interface Line {
  readonly text: string;
  /** Whether it was longer than allowed; the rest of it is skipped. */
  readonly cut: boolean;
  /** Whether it was no UTF-8: what was none shows as U+FFFD. */
  readonly malformed: boolean;
}

/**
 * Splits at newlines; what follows the last one counts unless it is empty. A
 * line that is too long is given, cut, as soon as that is known.
 */
export async function* lines(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Line> {
  const line = new GrowingLine(maxBytes);
  for await (const chunk of stream) {
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? chunk.length : newline;
      const tooLong = line.add(chunk.subarray(start, end));
      if (tooLong) yield tooLong;
      const whole = newline < 0 ? undefined : line.end();
      if (whole) yield whole;
      start = end + 1;
    }
  }
  if (line.length === 0) return;
  const rest = line.end();
  if (rest) yield rest;
}

/** A line of which pieces come. */
class GrowingLine {
  readonly #maxBytes: number;
  #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** So many bytes of it came, those skipped included. */
  get length(): number {
    return this.#length;
  }

  /** Adds a piece; returns the beginning of the line when it gets too long. */
  add(piece: Uint8Array): Line | undefined {
    const room = this.#maxBytes - this.#length;
    this.#length += piece.length;
    if (room < 0) return;
    this.#pieces.push(piece.subarray(0, room));
    if (piece.length > room) return { ...this.#take(), cut: true };
  }

  /** Ends the line; returns it unless its beginning was returned before. */
  end(): Line | undefined {
    const isWhole = this.#length <= this.#maxBytes;
    this.#length = 0;
    if (isWhole) return { ...this.#take(), cut: false };
  }

  #take(): Pick<Line, "text" | "malformed"> {
    const bytes = Buffer.concat(this.#pieces.splice(0));
    return { text: bytes.toString(), malformed: !isUtf8(bytes) };
  }
}
