/**
 * Reads the primitive types of AMQP 0-9-1 from untrusted bytes.
 *
 * Most strings are byte strings: each char code is one byte (Latin-1). So any
 * name survives unchanged, and needs no decoding to be compared or written.
 * Strings that a client shows to its user are read as text; see text.ts.
 */
import { AmqpError } from "./errors.ts";
import { textOf } from "./text.ts";
import { Buffer } from "node:buffer";

const NO_BYTES = Buffer.alloc(0);

/** A cursor over the payload of a frame; past its end it throws 502. */
export class Reader {
  bytes: Uint8Array;
  position: number;
  end: number;
  /** The bytes that `#buffer` is a view of. */
  #decoded: Uint8Array | undefined;
  /** The same bytes; `Buffer` decodes text fastest. */
  #buffer: Buffer = NO_BYTES;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** Continues with other bytes, which saves an allocation per frame. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** Advances by `size` bytes and returns where they start. */
  skip(size: number): number {
    const start = this.position;
    if (size > this.end - start) {
      throw new AmqpError("SYNTAX_ERROR", "truncated arguments");
    }
    this.position = start + size;
    return start;
  }

  octet(): number {
    return this.bytes[this.skip(1)];
  }

  short(): number {
    const at = this.skip(2);
    return this.bytes[at] << 8 | this.bytes[at + 1];
  }

  long(): number {
    const at = this.skip(4);
    const b = this.bytes;
    return (b[at] << 24 | b[at + 1] << 16 | b[at + 2] << 8 | b[at + 3]) >>> 0;
  }

  /** A 64-bit number; exact up to 2^53, which no counter here reaches. */
  longlong(): number {
    const high = this.long();
    return high * 0x1_0000_0000 + this.long();
  }

  shortstr(): string {
    const size = this.octet();
    const start = this.skip(size);
    return byteString(this.bytes, start, start + size);
  }

  /** A short string as text; see text.ts. */
  text(): string {
    return this.#decode(this.octet());
  }

  /** A long string as text; see text.ts. */
  longText(): string {
    return this.#decode(this.long());
  }

  #decode(size: number): string {
    const start = this.skip(size);
    if (this.#decoded !== this.bytes) {
      const { buffer, byteOffset, byteLength } = this.bytes;
      this.#buffer = Buffer.from(buffer, byteOffset, byteLength);
      this.#decoded = this.bytes;
    }
    return textOf(this.#buffer, start, start + size);
  }

  /** The next `size` bytes, not copied. */
  bytesOf(size: number): Uint8Array {
    const start = this.skip(size);
    return this.bytes.subarray(start, start + size);
  }

  /** The next `size` bytes, to be read as a number. */
  view(size: number): DataView {
    const start = this.skip(size);
    const { buffer, byteOffset } = this.bytes;
    return new DataView(buffer, byteOffset + start, size);
  }

  /** A short string that must be UTF-8, as a byte string. */
  name(): string {
    const text = this.shortstr();
    let all = 0;
    for (let i = 0; i < text.length; i++) all |= text.charCodeAt(i);
    if (all >= 0x80 && !isUtf8(text)) {
      throw new AmqpError("FRAME_ERROR", "Malformed UTF-8 in shortstr");
    }
    return text;
  }

  longstr(): string {
    const size = this.long();
    const start = this.skip(size);
    return byteString(this.bytes, start, start + size);
  }

  /** @throws {AmqpError} 502 SYNTAX_ERROR unless everything was read. */
  finish(): void {
    if (this.position !== this.end) {
      throw new AmqpError("SYNTAX_ERROR", "unexpected octets after arguments");
    }
  }
}

/** The bytes from start to end as a byte string. */
export function byteString(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string {
  // In halves, because the number of arguments of a call is limited.
  if (end - start > 4096) {
    const middle = (start + end) >> 1;
    return byteString(bytes, start, middle) + byteString(bytes, middle, end);
  }
  return String.fromCharCode.apply(
    null,
    bytes.subarray(start, end) as unknown as number[],
  );
}

/** The bytes of a byte string. */
export function toBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function isUtf8(text: string): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(toBytes(text));
    return true;
  } catch {
    return false;
  }
}

/** The text of a byte string; bytes that are not UTF-8 become U+FFFD. */
export function decodeText(text: string): string {
  return new TextDecoder().decode(toBytes(text));
}

/** The byte string of a text: its UTF-8 encoding. */
export function encodeText(text: string): string {
  return byteString(new TextEncoder().encode(text));
}
