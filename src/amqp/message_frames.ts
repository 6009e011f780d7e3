/**
 * Messages as frames, in both directions: the methods that come with every
 * message are written and read by hand here, which costs half of what the table
 * of methods does. (A test holds them against it.)
 *
 * @module
 */
import { METHODS } from "../amqp091/methods.ts";
import { writeProperties } from "../amqp091/properties.ts";
import type { Reader } from "../amqp091/reader.ts";
import type { Writer } from "../amqp091/writer.ts";
import { type MessageProperties, toBytes } from "../rpc/messages.ts";

const PUBLISH = METHODS["basic.publish"].id;

/** Where a message goes. */
export interface Target {
  readonly channel: number;
  readonly exchange: string;
  readonly routingKey: string;
  /** Whether it comes back if no queue takes it. */
  readonly mandatory: boolean;
}

/**
 * Writes basic.publish and its message.
 *
 * @throws {Error} if it can't be encoded; nothing is written then.
 */
export function writeMessage(
  writer: Writer,
  frameMax: number,
  { channel, exchange, routingKey, mandatory }: Target,
  data: Uint8Array,
  properties: MessageProperties,
): void {
  // Whatever plain JavaScript publishes over a transport: no body is cut short.
  const body = toBytes(data);
  const start = writer.length;
  try {
    writer.method(channel, PUBLISH).short(0).text(exchange).text(routingKey)
      .octet(mandatory ? 1 : 0).end();
    const headerAt = writer.length;
    writer.header(channel, body.length);
    writeProperties(writer, properties);
    writer.end();
    const bytes = writer.length - headerAt;
    if (bytes > frameMax) {
      throw new RangeError(
        `its headers take ${bytes - 1} bytes, but a frame holds ${frameMax}`,
      );
    }
    writer.body(channel, body, 0, frameMax);
  } catch (error) {
    writer.truncate(start);
    throw error;
  }
}

/** What basic.deliver says, of a channel with one consumer. */
export interface Delivered {
  deliveryTag: number;
  redelivered: boolean;
}

/** Reads the arguments of basic.deliver that are needed. */
export function readDeliver(reader: Reader): Delivered {
  // The consumer tag tells nothing on a channel with one consumer.
  reader.skip(reader.octet());
  return {
    deliveryTag: reader.longlong(),
    redelivered: reader.octet() !== 0,
  };
}
