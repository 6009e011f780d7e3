/**
 * Cuts what a socket reads into frames.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { MessageView } from "./view.ts";

/** Type, channel and size, ahead of the payload. */
export const FRAME_HEADER_BYTES = 7;
/** With the end octet. */
export const FRAME_OVERHEAD_BYTES = 8;
/** The end octet. */
export const FRAME_END = 0xce;

/**
 * What is read at most. Not what was agreed on: RabbitMQ passes the headers of
 * others on in one frame, and lets everybody agree on a size of his own.
 */
const MAX_BYTES = 16 * 1024 * 1024;
/** Room for the partial frames that come every day. */
const PARTIAL_BYTES = 16 * 1024;

/** The type of a frame that holds a part of a body. */
export const BODY_FRAME = 3;

/** One frame: its payload is at `at`, `size` bytes of the view. */
export type OnFrame = (
  view: MessageView,
  type: number,
  channel: number,
  at: number,
  size: number,
) => void;

/**
 * Frames are read in place; only one that is spread over two reads is copied,
 * and of a body frame not even that: it is handed on in parts, as they come.
 * The view that `onFrame` gets is good until it returns.
 */
export class FrameReader {
  readonly #onFrame: OnFrame;
  /** The beginning of a frame whose end is still to come. */
  #partial = newPartial();
  #partialLength = 0;
  /** Of the body frame that is being read, the end octet included. */
  #bodyLeft = 0;
  #bodyChannel = 0;

  /** `onFrame` must not throw for what a stranger may have sent. */
  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /**
   * Takes what was read.
   *
   * @throws {Error} where it can't be cut into frames.
   */
  read(bytes: Buffer<ArrayBuffer>): void {
    let at = this.#partialLength > 0 ? this.#complete(bytes) : 0;
    // Still not complete: there is nothing behind it.
    if (this.#partialLength > 0) return;
    const view = new MessageView(bytes);
    const { length } = bytes;
    while (at < length) {
      const taken = this.#bodyLeft > 0
        ? this.#takeBody(view, at, length)
        : this.#takeFrame(view, at, length);
      if (taken === 0) break;
      at += taken;
    }
    this.#keep(bytes.subarray(at));
  }

  /** Takes a whole frame, or the head of a body frame; 0 where none is there. */
  #takeFrame(view: MessageView, at: number, end: number): number {
    if (end - at < FRAME_HEADER_BYTES) return 0;
    const length = lengthOf(view, at);
    const type = view.getUint8(at);
    const channel = view.getUint16(at + 1);
    if (type === BODY_FRAME) {
      this.#bodyChannel = channel;
      this.#bodyLeft = length - FRAME_HEADER_BYTES;
      return FRAME_HEADER_BYTES;
    }
    if (end - at < length) return 0;
    checkEnd(view, at + length - 1);
    const size = length - FRAME_OVERHEAD_BYTES;
    this.#onFrame(view, type, channel, at + FRAME_HEADER_BYTES, size);
    return length;
  }

  /** Takes what is there of a body frame. */
  #takeBody(view: MessageView, at: number, end: number): number {
    const taken = Math.min(this.#bodyLeft, end - at);
    const isEnd = taken === this.#bodyLeft;
    const size = isEnd ? taken - 1 : taken;
    if (isEnd) checkEnd(view, at + size);
    this.#bodyLeft -= taken;
    if (size > 0) {
      this.#onFrame(view, BODY_FRAME, this.#bodyChannel, at, size);
    }
    return taken;
  }

  /** Adds to the partial frame; returns how many bytes it took. */
  #complete(bytes: Buffer): number {
    let taken = 0;
    const fill = (length: number) => {
      const missing = Math.max(length - this.#partialLength, 0);
      const part = bytes.subarray(taken, taken + missing);
      this.#keep(part);
      taken += part.length;
      return part.length === missing;
    };
    if (!fill(FRAME_HEADER_BYTES)) return taken;
    const isBody = this.#partial.getUint8(0) === BODY_FRAME;
    if (!isBody && !fill(lengthOf(this.#partial, 0))) return taken;
    this.#takeFrame(this.#partial, 0, this.#partialLength);
    this.#partialLength = 0;
    if (this.#partial.byteLength > PARTIAL_BYTES) this.#partial = newPartial();
    return taken;
  }

  /** Adds bytes to the partial frame. */
  #keep(bytes: Uint8Array): void {
    const length = this.#partialLength + bytes.length;
    if (length > this.#partial.byteLength) {
      const room = new MessageView(new Uint8Array(2 * length));
      room.setBytes(0, this.#partial.getBytes(0, this.#partialLength));
      this.#partial = room;
    }
    this.#partial.setBytes(this.#partialLength, bytes);
    this.#partialLength = length;
  }
}

function newPartial(): MessageView {
  return new MessageView(new Uint8Array(PARTIAL_BYTES));
}

function lengthOf(view: MessageView, at: number): number {
  const length = FRAME_OVERHEAD_BYTES + view.getUint32(at + 3);
  if (length <= MAX_BYTES) return length;
  throw new Error(`a frame of ${length} bytes: that is no AMQP`);
}

function checkEnd(view: MessageView, at: number): void {
  const end = view.getUint8(at);
  if (end !== FRAME_END) throw new Error(`a frame that ends with ${end}`);
}
