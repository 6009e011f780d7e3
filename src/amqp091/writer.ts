/** Writes frames into one growing buffer, to be sent with a single write. */
import { ByteWriter } from "./byte_writer.ts";
import {
  BODY,
  FRAME_END,
  FRAME_OVERHEAD,
  HEADER,
  HEARTBEAT,
  METHOD,
} from "./frames.ts";

const CLASS_BASIC = 60;

/** The frames that wait to be sent on one connection. */
export class Writer extends ByteWriter {
  #frame = 0;

  /** Starts a method frame; `id` is class * 65536 + method. */
  method(channel: number, id: number): this {
    this.#start(METHOD, channel);
    return this.long(id);
  }

  /** Ends the frame that `method` or `header` started. */
  end(): void {
    this.setSize(this.#frame + 3);
    this.octet(FRAME_END);
  }

  heartbeat(): void {
    this.#start(HEARTBEAT, 0);
    this.end();
  }

  /** Starts a header frame, up to the properties; `end` ends it. */
  header(channel: number, bodySize: number): this {
    this.#start(HEADER, channel);
    return this.short(CLASS_BASIC).short(0).longlong(bodySize);
  }

  /** Writes a body, from `start` on, in frames of at most `frameMax` octets. */
  body(
    channel: number,
    bytes: Uint8Array,
    start: number,
    frameMax: number,
  ): void {
    const step = frameMax - FRAME_OVERHEAD;
    for (let at = start; at < bytes.length; at += step) {
      this.#start(BODY, channel);
      this.raw(bytes, at, Math.min(at + step, bytes.length));
      this.end();
    }
  }

  /**
   * Writes a header frame and the body, in frames of at most `frameMax` octets.
   *
   * @param content the encoded properties, then the body
   */
  content(
    channel: number,
    content: Uint8Array,
    bodyStart: number,
    frameMax: number,
  ): void {
    this.header(channel, content.length - bodyStart);
    this.raw(content, 0, bodyStart);
    this.end();
    this.body(channel, content, bodyStart, frameMax);
  }

  #start(type: number, channel: number): void {
    this.#frame = this.length;
    this.octet(type).short(channel).long(0);
  }
}
