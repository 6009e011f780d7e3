/**
 * Splits a stream of bytes into frames. The buffer is reused: a handler copies
 * whatever it keeps of a frame.
 */
import { AmqpError } from "./errors.ts";
import { byteString } from "./reader.ts";

/** Frame types. */
export const METHOD = 1;
export const HEADER = 2;
export const BODY = 3;
export const HEARTBEAT = 8;

/** The octet that ends every frame. */
export const FRAME_END = 0xce;
/** Octets of a frame besides its payload. */
export const FRAME_OVERHEAD = 8;
/** The smallest frame_max, and the limit until one was negotiated. */
export const FRAME_MIN_SIZE = 4096;

/** Octets that a busy connection reads at once. */
const READ_SIZE = 64 * 1024;

/** The frames of one connection's input. */
export class FrameBuffer {
  /** Contains the payload of the current frame from `start` to `end`. */
  bytes: Uint8Array = new Uint8Array(FRAME_MIN_SIZE + FRAME_OVERHEAD);
  type = 0;
  channel = 0;
  start = 0;
  end = 0;
  /** The largest frame, in octets, as negotiated. */
  frameMax: number = FRAME_MIN_SIZE;
  #read = 0;
  #filled = 0;

  /** Room for the next read; never empty. */
  space(): Uint8Array {
    if (this.#read > 0) {
      this.bytes.copyWithin(0, this.#read, this.#filled);
      this.#filled -= this.#read;
      this.#read = 0;
    }
    if (this.#filled === this.bytes.length) this.#grow(this.#filled * 2);
    return this.bytes.subarray(this.#filled);
  }

  /** Notes how many octets were read into `space()`. */
  filled(size: number): void {
    this.#filled += size;
    // Only a busy connection fills its buffer; idle ones stay small.
    if (this.#filled === this.bytes.length && this.bytes.length < READ_SIZE) {
      this.#grow(READ_SIZE);
    }
  }

  /** The eight octets before the first frame, once they have arrived. */
  takeProtocolHeader(): string | undefined {
    if (this.#filled - this.#read < 8) return undefined;
    this.#read += 8;
    return byteString(this.bytes, this.#read - 8, this.#read);
  }

  /**
   * Moves to the next frame, if it has arrived completely.
   *
   * @throws {AmqpError} 501 FRAME_ERROR if it is too large or its end marker is
   *   wrong; the input after it can't be understood.
   */
  next(): boolean {
    const available = this.#filled - this.#read;
    if (available < 7) return false;
    const b = this.bytes;
    const at = this.#read;
    const size =
      (b[at + 3] << 24 | b[at + 4] << 16 | b[at + 5] << 8 | b[at + 6]) >>> 0;
    this.type = b[at];
    this.channel = b[at + 1] << 8 | b[at + 2];
    // Like RabbitMQ, tolerate payloads of frame_max octets: many clients do
    // not count the overhead.
    if (size > this.frameMax) {
      throw frameError(
        this.type,
        b.subarray(0, 0),
        `{frame_too_large,${size},${this.frameMax - FRAME_OVERHEAD}}`,
      );
    }
    if (available < size + FRAME_OVERHEAD) {
      if (size + FRAME_OVERHEAD > b.length) {
        this.#grow(Math.max(READ_SIZE, size + FRAME_OVERHEAD));
      }
      return false;
    }
    this.start = at + 7;
    this.end = this.start + size;
    this.#read = this.end + 1;
    if (b[this.end] !== FRAME_END) {
      throw frameError(
        this.type,
        b.subarray(this.start, this.end),
        `{invalid_frame_end_marker,${b[this.end]}}`,
      );
    }
    return true;
  }

  /** Drops all buffered input. */
  discard(): void {
    this.#read = this.#filled = 0;
  }

  /** The payload of the current frame, as RabbitMQ prints it in reply texts. */
  snippet(): string {
    return snippet(this.type, this.bytes.subarray(this.start, this.end));
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, this.#filled));
    this.bytes = bytes;
  }
}

function snippet(type: number, payload: Uint8Array): string {
  const part = payload.length <= 16 ? "all" : "first 16";
  const octets = Array.from(payload.subarray(0, 16)).join(",");
  return `type ${type}, ${part} octets = <<${octets}>>`;
}

/** The error for a frame that is not allowed where it occurs. */
export function wrongFrame(frame: FrameBuffer): AmqpError {
  const { type, bytes, start, end } = frame;
  const heartbeat = type === HEARTBEAT && start === end;
  if (type === METHOD || type === HEADER || type === BODY || heartbeat) {
    return new AmqpError("UNEXPECTED_FRAME", frame.snippet());
  }
  return frameError(type, bytes.subarray(start, end), "unknown_frame");
}

/** A 501 FRAME_ERROR, in RabbitMQ's words. */
export function frameError(
  type: number,
  payload: Uint8Array,
  reason: string,
): AmqpError {
  return new AmqpError("FRAME_ERROR", `${snippet(type, payload)}: ${reason}`);
}
