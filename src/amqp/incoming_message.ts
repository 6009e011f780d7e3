/**
 * Puts a message together from its frames.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { AmqpError } from "../amqp091/errors.ts";
import type { FrameBuffer } from "../amqp091/frames.ts";
import type { Arguments } from "../amqp091/methods.ts";
import { readProperties } from "../amqp091/properties.ts";
import type { Reader } from "../amqp091/reader.ts";
import { textOfBytes } from "../amqp091/text.ts";
import type { MessageProperties } from "../rpc/messages.ts";
import type { Delivery, ReturnedMessage } from "../rpc/transport.ts";
import type { Delivered } from "./message_frames.ts";

const CLASS_BASIC = 60;
/** No broker takes more; RabbitMQ at most a quarter of it. */
const MOST_BODY_BYTES = 2 ** 31;
const NO_BODY = new Uint8Array(0);

/** A message that is announced, and comes in parts. */
export class IncomingMessage {
  /** What announced it: one of the two. */
  readonly delivered: Delivered | undefined;
  readonly returned: Arguments<"basic.return"> | undefined;
  properties: MessageProperties = {};
  /** Why the properties could not be read; there are none then. */
  malformed: Error | undefined = undefined;
  body: Uint8Array = NO_BODY;
  /** Missing bytes of the body; negative before the header has come. */
  #missing = -1;

  /** Announced by basic.deliver or basic.return. */
  constructor(
    delivered: Delivered | undefined,
    returned: Arguments<"basic.return"> | undefined,
  ) {
    this.delivered = delivered;
    this.returned = returned;
  }

  /** Whether the header frame comes next. */
  get awaitsHeader(): boolean {
    return this.#missing < 0;
  }

  /**
   * Takes the header frame; returns whether the message is complete.
   *
   * @throws {AmqpError} 501 or 502 if it is no valid header.
   */
  takeHeader(reader: Reader): boolean {
    const classId = reader.short();
    if (classId !== CLASS_BASIC) {
      throw new AmqpError("SYNTAX_ERROR", `content of class ${classId}`);
    }
    reader.short();
    this.#missing = reader.longlong();
    if (this.#missing > MOST_BODY_BYTES) {
      const bytes = this.#missing;
      throw new AmqpError("FRAME_ERROR", `content of ${bytes} bytes`);
    }
    try {
      this.properties = readProperties(reader);
    } catch (error) {
      // Anybody may send anything: it must not cost the connection.
      this.malformed = error as Error;
    }
    return this.#missing === 0;
  }

  /**
   * Takes a body frame; returns whether the message is complete.
   *
   * @throws {AmqpError} 501 for more than was announced.
   */
  takeBody({ bytes, start, end }: FrameBuffer): boolean {
    const size = end - start;
    if (size > this.#missing) {
      throw new AmqpError("FRAME_ERROR", "more content than was announced");
    }
    if (this.body.length === 0) {
      if (size === this.#missing) {
        // All in one frame, as nearly always.
        this.body = copyOf(bytes, start, end);
        return true;
      }
      this.body = new Uint8Array(this.#missing);
    }
    const at = this.body.length - this.#missing;
    this.body.set(bytes.subarray(start, end), at);
    this.#missing -= size;
    return this.#missing === 0;
  }

  /** The complete message, as it was delivered. */
  delivery({ deliveryTag, redelivered }: Delivered): Delivery {
    const { properties, malformed, body } = this;
    return { properties, malformed, body, deliveryTag, redelivered };
  }

  /** The complete message, as it was sent back. */
  returnedMessage(
    { replyCode, replyText, routingKey }: Arguments<"basic.return">,
  ): ReturnedMessage {
    return {
      replyCode,
      replyText: textOfBytes(replyText),
      routingKey: textOfBytes(routingKey),
      properties: this.properties,
    };
  }
}

/** Short bodies share their memory: to allocate it costs more than to fill it. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start;
  const { buffer, byteOffset } = Buffer.allocUnsafe(size);
  const copy = new Uint8Array(buffer, byteOffset, size);
  copy.set(bytes.subarray(start, end));
  return copy;
}
