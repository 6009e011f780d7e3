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

/** Buffers grown beyond this are not kept once they are sent. */
const KEEP_SIZE = 256 * 1024;
const FIRST_SIZE = 1024;

const CLASS_BASIC = 60;

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

  /** Writes raw octets: the protocol header of a refusal. */
  raw(bytes: Uint8Array): void {
    this.#append(bytes, 0, bytes.length);
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
    this.#start(HEADER, channel);
    this.short(CLASS_BASIC).short(0).longlong(content.length - bodyStart);
    this.#append(content, 0, bodyStart);
    this.end();
    const step = frameMax - FRAME_OVERHEAD;
    for (let at = bodyStart; at < content.length; at += step) {
      this.#start(BODY, channel);
      this.#append(content, at, Math.min(at + step, content.length));
      this.end();
    }
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
