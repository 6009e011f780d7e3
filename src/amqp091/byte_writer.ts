/** Writes the primitive types of AMQP 0-9-1 into a growing buffer. */
import { type Table, tableField } from "./table.ts";
import { bytesOfText } from "./text.ts";

/** Larger buffers are not kept once they have been sent. */
const KEEP_SIZE = 256 * 1024;
const FIRST_SIZE = 1024;

const SHORT_STRING_MAX = 255;
const ASCII_MAX = 0x7f;
const DOUBLE_BYTES = new Uint8Array(8);
const DOUBLE = new DataView(DOUBLE_BYTES.buffer);

/** Bytes that wait to be sent. */
export class ByteWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  /** The number of octets written. */
  get length(): number {
    return this.#length;
  }

  /** Takes everything written so far; return it with `recycle`. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = this.#spare ?? new Uint8Array(FIRST_SIZE);
    this.#spare = undefined;
    this.#length = 0;
    return taken;
  }

  /** Reuses a buffer that was taken and sent. */
  recycle(taken: Uint8Array<ArrayBuffer>): void {
    if (taken.buffer.byteLength <= KEEP_SIZE) {
      this.#spare = new Uint8Array(taken.buffer);
    }
  }

  octet(value: number): this {
    this.#ensure(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  short(value: number): this {
    this.#ensure(2);
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
    return this;
  }

  long(value: number): this {
    this.#ensure(4);
    this.#setLong(this.#length, value);
    this.#length += 4;
    return this;
  }

  longlong(value: number): this {
    return this.long(Math.floor(value / 0x1_0000_0000)).long(value >>> 0);
  }

  shortstr(text: string): this {
    return this.octet(text.length).#text(text);
  }

  longstr(text: string): this {
    return this.long(text.length).#text(text);
  }

  bigint(value: bigint): this {
    return this.long(Number(BigInt.asUintN(32, value >> 32n)))
      .long(Number(BigInt.asUintN(32, value)));
  }

  double(value: number): this {
    this.#ensure(8);
    DOUBLE.setFloat64(0, value);
    this.#bytes.set(DOUBLE_BYTES, this.#length);
    this.#length += 8;
    return this;
  }

  /** The type tag of a field. */
  tag(tag: string): this {
    return this.octet(tag.charCodeAt(0));
  }

  /**
   * A short string; see text.ts.
   *
   * @throws {RangeError} if it takes more than 255 bytes.
   */
  text(text: string): this {
    const start = this.#length;
    this.octet(0).#encode(text);
    const size = this.#length - start - 1;
    if (size > SHORT_STRING_MAX) {
      throw new RangeError(
        `a string of ${size} bytes, but AMQP allows ${SHORT_STRING_MAX}: ` +
          `${text.slice(0, 40)}...`,
      );
    }
    this.#bytes[start] = size;
    return this;
  }

  /** A long string; see text.ts. */
  longText(text: string): this {
    const start = this.reserveLong();
    this.#encode(text);
    this.setSize(start);
    return this;
  }

  /** Leaves room for a size, which `setSize` sets; returns its position. */
  reserveLong(): number {
    this.long(0);
    return this.#length - 4;
  }

  /** Sets a size for which room was left: that of all octets after it. */
  setSize(start: number): void {
    this.#setLong(start, this.#length - start - 4);
  }

  /** Overwrites two octets. */
  setShort(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** Drops everything that was written after this length. */
  truncate(length: number): void {
    this.#length = length;
  }

  table(table: Table): this {
    return this.raw(tableField(table).bytes);
  }

  /** Writes octets as they are. */
  raw(bytes: Uint8Array, start = 0, end: number = bytes.length): this {
    const size = end - start;
    this.#ensure(size);
    const whole = start === 0 && end === bytes.length;
    this.#bytes.set(whole ? bytes : bytes.subarray(start, end), this.#length);
    this.#length += size;
    return this;
  }

  #text(text: string): this {
    this.#ensure(text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
    return this;
  }

  /** Copies ASCII, which nearly all text is; the rest is encoded. */
  #encode(text: string): void {
    if (typeof text !== "string") throw notString(text);
    const { length } = text;
    this.#ensure(length);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > ASCII_MAX) return void this.raw(bytesOfText(text));
      bytes[start + i] = code;
    }
    this.#length = start + length;
  }

  #setLong(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  #ensure(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

function notString(value: unknown): TypeError {
  return new TypeError(`expected a string, got ${value}`);
}
