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
  readonly #maxBytes: number;
  readonly #onFrame: OnFrame;
  /** The beginning of a frame whose end is still to come. */
  readonly #partial: MessageView;
  #partialLength = 0;
  /** Of the body frame that is being read, the end octet included. */
  #bodyLeft = 0;
  #bodyChannel = 0;

  /** A frame of more than `maxBytes`, all in all, is an error. */
  constructor(maxBytes: number, onFrame: OnFrame) {
    this.#maxBytes = maxBytes;
    this.#onFrame = onFrame;
    this.#partial = new MessageView(new Uint8Array(maxBytes));
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
    this.#partial.setBytes(0, bytes.subarray(at));
    this.#partialLength = length - at;
  }

  /** Takes a whole frame, or the head of a body frame; 0 where none is there. */
  #takeFrame(view: MessageView, at: number, end: number): number {
    if (end - at < FRAME_HEADER_BYTES) return 0;
    const length = this.#lengthOf(view, at);
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
    const partial = this.#partial;
    let taken = 0;
    const fill = (length: number) => {
      const missing = Math.max(length - this.#partialLength, 0);
      const part = bytes.subarray(taken, taken + missing);
      partial.setBytes(this.#partialLength, part);
      this.#partialLength += part.length;
      taken += part.length;
      return part.length === missing;
    };
    if (!fill(FRAME_HEADER_BYTES)) return taken;
    const isBody = partial.getUint8(0) === BODY_FRAME;
    if (!isBody && !fill(this.#lengthOf(partial, 0))) return taken;
    this.#takeFrame(partial, 0, this.#partialLength);
    this.#partialLength = 0;
    return taken;
  }

  #lengthOf(view: MessageView, at: number): number {
    const length = FRAME_OVERHEAD_BYTES + view.getUint32(at + 3);
    if (length <= this.#maxBytes) return length;
    throw new Error(
      `a frame of ${length} bytes, where ${this.#maxBytes} were agreed on`,
    );
  }
}

function checkEnd(view: MessageView, at: number): void {
  const end = view.getUint8(at);
  if (end !== FRAME_END) throw new Error(`a frame that ends with ${end}`);
}
