/**
 * The library's codec of fields and properties, on bytes that hold many
 * frames: quicker with short ASCII strings, of which every message has
 * several, and complete in the types of fields that others may send.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { AMQPView } from "@cloudamqp/amqp-client/amqp-view";
import { bytesOf, isBytes } from "../../rpc/kinds.ts";
import { bytesOfText, textOf } from "../../amqp091/text.ts";

type Field = ReturnType<AMQPView["getField"]>[0];

const SHORT_STRING_MAX = 255;
const ASCII_MAX = 0x7f;
const TWO_TO_32 = 2 ** 32;
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/** Reads and writes what messages are made of. */
export class MessageView extends AMQPView {
  readonly #bytes: Buffer<ArrayBuffer>;

  /** A view of these bytes, without a copy. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const { buffer, byteOffset, byteLength } = bytes;
    super(buffer, byteOffset, byteLength);
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength);
  }

  /** Copies bytes to a place in the view. */
  setBytes(at: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, at);
  }

  /** A part of the bytes, without a copy. */
  getBytes(from: number, to: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(from, to);
  }

  /** A length byte, and as many bytes of text; see text.ts. */
  override getShortString(at: number): [string, number] {
    const length = this.getUint8(at);
    return [this.#getText(at + 1, length), 1 + length];
  }

  /** Four bytes of length, and as many bytes of text; see text.ts. */
  override getLongString(
    at: number,
    littleEndian?: boolean,
  ): [string, number] {
    const length = this.getUint32(at, littleEndian);
    return [this.#getText(at + 4, length), 4 + length];
  }

  /** @throws {RangeError} where it is longer than 255 bytes. */
  override setShortString(at: number, text: string): number {
    const length = this.#setText(at + 1, text);
    if (length > SHORT_STRING_MAX) {
      throw new RangeError(
        `a string of ${length} bytes where AMQP allows 255: ` +
          `${text.slice(0, 40)}...`,
      );
    }
    this.setUint8(at, length);
    return 1 + length;
  }

  /** Without a limit but the room that there is. */
  override setLongString(
    at: number,
    text: string,
    littleEndian?: boolean,
  ): number {
    const length = this.#setText(at + 4, text);
    this.setUint32(at, length, littleEndian);
    return 4 + length;
  }

  /** As the library has it, without a word on stderr for a number too large. */
  override getUint64(at: number, littleEndian?: boolean): number {
    if (littleEndian) return Number(super.getBigUint64(at, littleEndian));
    return this.getUint32(at) * TWO_TO_32 + this.getUint32(at + 4);
  }

  /** As the library has it, without a BigInt on the way. */
  override getInt64(at: number, littleEndian?: boolean): number {
    if (littleEndian) return super.getInt64(at, littleEndian);
    return this.getInt32(at) * TWO_TO_32 + this.getUint32(at + 4);
  }

  /** As the library has it, without a BigInt on the way. */
  override setInt64(at: number, value: number, littleEndian?: boolean): void {
    if (littleEndian) return super.setInt64(at, value, littleEndian);
    this.setInt32(at, Math.floor(value / TWO_TO_32));
    this.setUint32(at + 4, value >>> 0);
  }

  /** The types that RabbitMQ lets others send, those the library lacks too. */
  override getField(at: number, littleEndian?: boolean): [Field, number] {
    switch (String.fromCharCode(this.getUint8(at))) {
      case "b":
        return [this.getInt8(at + 1), 2];
      case "B":
        return [this.getUint8(at + 1), 2];
      case "s":
        return [this.getInt16(at + 1, littleEndian), 3];
      case "l":
        return [this.#getLong(at + 1), 9];
      case "L":
        return [this.#getUnsignedLong(at + 1), 9];
      default:
        return super.getField(at, littleEndian);
    }
  }

  /** Numbers exactly: the library stores some in too few bits. */
  override setField(at: number, field: Field, littleEndian?: boolean): number {
    if (typeof field === "object") {
      // The library takes most kinds of bytes for a table.
      const known = isBytes(field) ? bytesOf(field) as typeof field : field;
      return super.setField(at, known, littleEndian);
    }
    if (typeof field !== "number") {
      return super.setField(at, field, littleEndian);
    }
    if (!Number.isSafeInteger(field)) {
      this.setUint8(at, "d".charCodeAt(0));
      this.setFloat64(at + 1, field, littleEndian);
      return 9;
    }
    if (field >= INT32_MIN && field <= INT32_MAX) {
      this.setUint8(at, "I".charCodeAt(0));
      this.setInt32(at + 1, field, littleEndian);
      return 5;
    }
    this.setUint8(at, "l".charCodeAt(0));
    this.setInt64(at + 1, field, littleEndian);
    return 9;
  }

  /** A number where that is exact, as for any time. */
  #getLong(at: number): number | bigint {
    const number = this.getInt64(at);
    return Number.isSafeInteger(number) ? number : this.getBigInt64(at);
  }

  #getUnsignedLong(at: number): number | bigint {
    const number = this.getUint64(at);
    return Number.isSafeInteger(number) ? number : this.getBigUint64(at);
  }

  #getText(at: number, length: number): string {
    const end = at + length;
    if (end > this.byteLength) throw new RangeError("a string has no end");
    return textOf(this.#bytes, at, end);
  }

  /** Byte for byte where that is UTF-8 already; returns the bytes written. */
  #setText(at: number, text: string): number {
    if (typeof text !== "string") throw new TypeError(`no string: ${text}`);
    const bytes = this.#bytes;
    const { length } = text;
    if (at + length > bytes.length) throw new RangeError("no room left");
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > ASCII_MAX) return this.#setUtf8(at, text);
      bytes[at + i] = code;
    }
    return length;
  }

  #setUtf8(at: number, text: string): number {
    if (!text.isWellFormed()) return this.#setIllFormed(at, text);
    const length = Buffer.byteLength(text);
    if (at + length > this.byteLength) throw new RangeError("no room left");
    return this.#bytes.write(text, at);
  }

  #setIllFormed(at: number, text: string): number {
    const bytes = bytesOfText(text);
    if (at + bytes.length > this.byteLength) {
      throw new RangeError("no room left");
    }
    this.setBytes(at, bytes);
    return bytes.length;
  }
}
