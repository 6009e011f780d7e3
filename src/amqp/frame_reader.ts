/**
 * Reads frames from a stream, and hands each to its channel.
 *
 * @module
 */
import { FrameBuffer, METHOD } from "../amqp091/frames.ts";
import { Reader } from "../amqp091/reader.ts";
import type { Channels } from "./channels.ts";
import { ProtocolCheck } from "./protocol_check.ts";
import type { ByteStream } from "./streams/byte_stream.ts";

/**
 * The largest frame that is read, in bytes. The negotiated size is no limit:
 * RabbitMQ sends headers in one frame, and their publisher may have negotiated
 * a larger one.
 */
export const MOST_FRAME_BYTES = 16 * 1024 * 1024;

/** Callbacks of a {@linkcode FrameReader}. */
export interface FrameReaderHooks {
  /** Something was read. */
  onRead: () => void;
  /** A frame of the connection itself; an error ends the reading. */
  onFrame: (frame: FrameBuffer, reader: Reader) => void;
}

/** Reads until the stream ends, or `stop()`. */
export class FrameReader {
  readonly #channels: Channels;
  readonly #hooks: FrameReaderHooks;
  readonly #frames = new FrameBuffer();
  readonly #reader = new Reader(new Uint8Array(0));
  readonly #check = new ProtocolCheck();
  #stopped = false;

  /** Reads nothing yet. */
  constructor(channels: Channels, hooks: FrameReaderHooks) {
    this.#channels = channels;
    this.#hooks = hooks;
    this.#frames.frameMax = MOST_FRAME_BYTES;
  }

  /** The id of the method in the frame that was handed on last; 0 for none. */
  get method(): number {
    const { type, bytes, start, end } = this.#frames;
    if (type !== METHOD || end - start < 4) return 0;
    return new Reader(bytes, start, end).long();
  }

  /** Hands on no more frames. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads to the end of the stream.
   *
   * @throws {Error} for what can't be understood, or read.
   */
  async read(stream: ByteStream): Promise<void> {
    while (!this.#stopped) {
      const space = this.#frames.space();
      const size = await stream.read(space);
      if (size === null) break;
      this.#hooks.onRead();
      if (!this.#check.passes(space.subarray(0, size))) continue;
      this.#frames.filled(size);
      this.#handOut();
    }
    if (this.#check.strange) throw this.#check.strange;
  }

  #handOut(): void {
    const frames = this.#frames;
    const reader = this.#reader;
    while (!this.#stopped && frames.next()) {
      reader.reset(frames.bytes, frames.start, frames.end);
      if (frames.channel === 0) this.#hooks.onFrame(frames, reader);
      else this.#channels.channelOf(frames, reader)?.take(frames, reader);
    }
  }
}
