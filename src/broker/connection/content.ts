/** Assembles published messages from their frames. */
import { AmqpError } from "../../amqp091/errors.ts";
import { BODY, type FrameBuffer, HEADER } from "../../amqp091/frames.ts";
import type { Arguments } from "../../amqp091/methods.ts";

const CLASS_BASIC = 60;
/** Octets of a content header before the properties. */
const HEADER_SIZE = 12;

/** A publish whose content is complete. */
export interface Published {
  readonly method: Arguments<"basic.publish">;
  /** The properties, followed by the body. */
  readonly content: Uint8Array;
  readonly bodyStart: number;
}

/** The publish that a channel is receiving. */
export class Content {
  #method: Arguments<"basic.publish"> | undefined;
  /** The properties; the buffer is reused for the next message. */
  #properties = new Uint8Array(256);
  /** -1 until the header has arrived. */
  #bodyStart = -1;
  #missing = 0;
  /** The announced size, if it is too large and the body is thrown away. */
  #refused: number | undefined;
  #parts: Uint8Array[] = [];

  /** @param maxBodySize octets; a larger body is thrown away */
  constructor(readonly maxBodySize: number) {}

  /** Whether a publish still lacks its header or part of its body. */
  get pending(): boolean {
    return this.#method !== undefined;
  }

  /** Starts a publish. */
  start(method: Arguments<"basic.publish">): void {
    this.#method = method;
    this.#bodyStart = -1;
  }

  /**
   * Handles a frame; returns the publish once it is complete.
   *
   * @throws {AmqpError} 505 for a frame of the wrong type, 501 for a body that
   *   is longer than announced, 406 at the end of a body that is too large.
   */
  take(frame: FrameBuffer): Published | undefined {
    if (this.#method === undefined) {
      throw new AmqpError(
        "UNEXPECTED_FRAME",
        "expected method frame, got non method frame instead",
      );
    }
    if (this.#bodyStart < 0) return this.#takeHeader(frame, this.#method);
    return this.#takeBody(frame, this.#method);
  }

  #takeHeader(
    frame: FrameBuffer,
    method: Arguments<"basic.publish">,
  ): Published | undefined {
    const { bytes, start, end } = frame;
    if (frame.type !== HEADER || end - start < HEADER_SIZE + 2) {
      throw new AmqpError(
        "UNEXPECTED_FRAME",
        `expected content header for class ${CLASS_BASIC}, got non content header frame instead`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const classId = view.getUint16(start);
    if (classId !== CLASS_BASIC) {
      throw new AmqpError(
        "UNEXPECTED_FRAME",
        `expected content header for class ${CLASS_BASIC}, got one for class ${classId} instead`,
      );
    }
    const size = view.getUint32(start + 4) * 2 ** 32 +
      view.getUint32(start + 8);
    this.#bodyStart = end - start - HEADER_SIZE;
    this.#missing = size;
    this.#refused = size > this.maxBodySize ? size : undefined;
    if (this.#properties.length < this.#bodyStart) {
      this.#properties = new Uint8Array(this.#bodyStart);
    }
    this.#properties.set(bytes.subarray(start + HEADER_SIZE, end));
    return size === 0 ? this.#finish(method) : undefined;
  }

  #takeBody(
    frame: FrameBuffer,
    method: Arguments<"basic.publish">,
  ): Published | undefined {
    if (frame.type !== BODY) {
      throw new AmqpError(
        "UNEXPECTED_FRAME",
        "expected content body, got non content body frame instead",
      );
    }
    const part = frame.bytes.subarray(frame.start, frame.end);
    this.#missing -= part.length;
    if (this.#missing < 0) {
      throw new AmqpError("FRAME_ERROR", "more content than was announced");
    }
    if (this.#missing === 0) return this.#finish(method, part);
    if (this.#refused === undefined) this.#parts.push(part.slice());
    return undefined;
  }

  #finish(
    method: Arguments<"basic.publish">,
    last: Uint8Array = new Uint8Array(0),
  ): Published {
    this.#method = undefined;
    if (this.#refused !== undefined) {
      throw new AmqpError(
        "PRECONDITION_FAILED",
        `message size ${this.#refused} is larger than configured max size ${this.maxBodySize}`,
      );
    }
    const bodyStart = this.#bodyStart;
    let size = bodyStart + last.length;
    for (const part of this.#parts) size += part.length;
    const content = new Uint8Array(size);
    content.set(this.#properties.subarray(0, bodyStart));
    let at = bodyStart;
    for (const part of this.#parts) {
      content.set(part, at);
      at += part.length;
    }
    content.set(last, at);
    this.#parts.length = 0;
    return { method, content, bodyStart };
  }
}
