/** Writes frames into one growing buffer, to be sent in one piece. */
import {
  BODY,
  FRAME_END,
  FRAME_OVERHEAD,
  HEADER,
  HEARTBEAT,
  METHOD,
} from "./frames.ts";
import { type Table, tableField } from "./table.ts";
import { bytesOfText } from "./text.ts";

/** Buffers grown beyond this are not kept once they are sent. */
const KEEP_SIZE = 256 * 1024;
const FIRST_SIZE = 1024;

const CLASS_BASIC = 60;
const SHORT_STRING_MAX = 255;
const ASCII_MAX = 0x7f;
const DOUBLE_BYTES = new Uint8Array(8);
const DOUBLE = new DataView(DOUBLE_BYTES.buffer);

/** The frames that wait to be sent on one connection. */
export class Writer {
  #bytes = new Uint8Array(FIRST_SIZE);
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  #frame = 0;

  /** Octets waiting. */
  get length(): number {
    return this.#length;
  }

  /** Takes everything written so far; give it back with `recycle`. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = this.#spare ?? new Uint8Array(FIRST_SIZE);
    this.#spare = undefined;
    this.#length = 0;
    return taken;
  }

  /** Lets a buffer that was taken and sent be used again. */
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

  /** The type of a field. */
  tag(tag: string): this {
    return this.octet(tag.charCodeAt(0));
  }

  /**
   * A short string; see text.ts.
   *
   * @throws {RangeError} where it takes more than 255 bytes.
   */
  text(text: string): this {
    const start = this.#length;
    this.octet(0).#encode(text);
    const size = this.#length - start - 1;
    if (size > SHORT_STRING_MAX) {
      throw new RangeError(
        `a string of ${size} bytes where AMQP allows ${SHORT_STRING_MAX}: ` +
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

  /** Leaves room for a size, which is set later; returns where. */
  reserveLong(): number {
    this.long(0);
    return this.#length - 4;
  }

  /** Sets the size of what was written since that room was left. */
  setSize(start: number): void {
    this.#setLong(start, this.#length - start - 4);
  }

  /** Changes two octets that were written. */
  setShort(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** Takes back all that was written from there on. */
  truncate(length: number): void {
    this.#length = length;
  }

  table(table: Table): this {
    const { bytes } = tableField(table);
    this.#append(bytes, 0, bytes.length);
    return this;
  }

  /** Starts a method frame; `id` is class * 65536 + method. */
  method(channel: number, id: number): this {
    this.#start(METHOD, channel);
    return this.long(id);
  }

  /** Ends the frame that `method` started. */
  end(): void {
    this.#setLong(this.#frame + 3, this.#length - this.#frame - 7);
    this.octet(FRAME_END);
  }

  heartbeat(): void {
    this.#start(HEARTBEAT, 0);
    this.end();
  }

  /** Writes octets as they are. */
  raw(bytes: Uint8Array): this {
    this.#append(bytes, 0, bytes.length);
    return this;
  }

  /** Starts a header frame, up to the properties; `end` ends it. */
  header(channel: number, bodySize: number): this {
    this.#start(HEADER, channel);
    return this.short(CLASS_BASIC).short(0).longlong(bodySize);
  }

  /** Writes what there is from `start` on, in frames of `frameMax` octets. */
  body(
    channel: number,
    bytes: Uint8Array,
    start: number,
    frameMax: number,
  ): void {
    const step = frameMax - FRAME_OVERHEAD;
    for (let at = start; at < bytes.length; at += step) {
      this.#start(BODY, channel);
      this.#append(bytes, at, Math.min(at + step, bytes.length));
      this.end();
    }
  }

  /**
   * Writes a header frame and the body, in frames of `frameMax` octets at most.
   *
   * @param content the properties as they stand on the wire, then the body
   */
  content(
    channel: number,
    content: Uint8Array,
    bodyStart: number,
    frameMax: number,
  ): void {
    this.header(channel, content.length - bodyStart);
    this.#append(content, 0, bodyStart);
    this.end();
    this.body(channel, content, bodyStart, frameMax);
  }

  #start(type: number, channel: number): void {
    this.#frame = this.#length;
    this.octet(type).short(channel).long(0);
  }

  #text(text: string): this {
    this.#ensure(text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
    return this;
  }

  /** Byte for byte where that is UTF-8 already: nearly always. */
  #encode(text: string): void {
    if (typeof text !== "string") throw new TypeError(`no string: ${text}`);
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

  #append(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.#ensure(size);
    const whole = start === 0 && end === bytes.length;
    this.#bytes.set(whole ? bytes : bytes.subarray(start, end), this.#length);
    this.#length += size;
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
