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

/** One frame: its payload is at `at`, `size` bytes of the view. */
export type OnFrame = (
  view: MessageView,
  type: number,
  channel: number,
  at: number,
  size: number,
) => void;

/**
 * Frames are read in place; only one that is spread over two reads is copied.
 * The view that `onFrame` gets is good until it returns.
 */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #onFrame: OnFrame;
  /** The beginning of a frame whose end is still to come. */
  readonly #partial: Uint8Array<ArrayBuffer>;
  #partialLength = 0;

  /** A frame of more than `maxBytes`, all in all, is an error. */
  constructor(maxBytes: number, onFrame: OnFrame) {
    this.#maxBytes = maxBytes;
    this.#onFrame = onFrame;
    this.#partial = new Uint8Array(maxBytes);
  }

  /**
   * Takes what was read.
   *
   * @throws {Error} where it can't be cut into frames.
   */
  read(bytes: Buffer<ArrayBuffer>): void {
    let at = this.#partialLength > 0 ? this.#complete(bytes) : 0;
    if (at === bytes.length) return;
    const view = new MessageView(bytes);
    while (bytes.length - at >= FRAME_HEADER_BYTES) {
      const length = this.#lengthOf(view, at);
      if (bytes.length - at < length) break;
      this.#emit(view, at, length);
      at += length;
    }
    this.#partial.set(bytes.subarray(at));
    this.#partialLength = bytes.length - at;
  }

  /** Adds to the partial frame; returns how many bytes it took. */
  #complete(bytes: Buffer): number {
    const view = new MessageView(this.#partial);
    let taken = 0;
    const fill = (length: number) => {
      const missing = Math.max(length - this.#partialLength, 0);
      const part = bytes.subarray(taken, taken + missing);
      this.#partial.set(part, this.#partialLength);
      this.#partialLength += part.length;
      taken += part.length;
      return part.length === missing;
    };
    if (!fill(FRAME_HEADER_BYTES)) return taken;
    const length = this.#lengthOf(view, 0);
    if (!fill(length)) return taken;
    this.#partialLength = 0;
    this.#emit(view, 0, length);
    return taken;
  }

  #lengthOf(view: MessageView, at: number): number {
    const length = FRAME_OVERHEAD_BYTES + view.getUint32(at + 3);
    if (length <= this.#maxBytes) return length;
    throw new Error(
      `a frame of ${length} bytes, where ${this.#maxBytes} were agreed on`,
    );
  }

  #emit(view: MessageView, at: number, length: number): void {
    const end = view.getUint8(at + length - 1);
    if (end !== FRAME_END) throw new Error(`a frame that ends with ${end}`);
    this.#onFrame(
      view,
      view.getUint8(at),
      view.getUint16(at + 1),
      at + FRAME_HEADER_BYTES,
      length - FRAME_OVERHEAD_BYTES,
    );
  }
}
