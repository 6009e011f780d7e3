// Channels without a connection: what a broker would send is fed to them.

import {
  clientMethod,
  readArguments,
  writeMethod,
} from "../../../src/amqp091/arguments.ts";
import { FrameBuffer, METHOD } from "../../../src/amqp091/frames.ts";
import type {
  Arguments,
  BrokerMethod,
  ClientMethod,
} from "../../../src/amqp091/methods.ts";
import { Reader } from "../../../src/amqp091/reader.ts";
import { Writer } from "../../../src/amqp091/writer.ts";
import type { Channel } from "../../../src/amqp/channel.ts";
import { Channels } from "../../../src/amqp/channels.ts";
import { Flow } from "../../../src/amqp/flow.ts";
import { JoinedWrites } from "../../../src/amqp/joined_writes.ts";
import { turns } from "../../support/within.ts";

/** A method that was sent. */
export interface Sent {
  readonly channel: number;
  readonly name: ClientMethod;
  readonly args: Record<string, unknown>;
}

/** The channels of one connection, and what they send. */
export class Feed {
  readonly channels: Channels;
  readonly writes: JoinedWrites;
  readonly flow: Flow;
  readonly sent: Sent[] = [];
  readonly #incoming = frameBuffer();
  readonly #outgoing = frameBuffer();
  readonly #reader = new Reader(new Uint8Array(0));

  constructor() {
    this.writes = new JoinedWrites((bytes) => {
      this.#record(bytes);
      return Promise.resolve();
    }, (error) => {
      throw error;
    });
    this.flow = new Flow(this.writes, {
      onBlocked: () => {},
      onUnblocked: () => {},
    });
    this.channels = new Channels(this.writes, this.flow);
  }

  /** A channel that is open. */
  async open(): Promise<Channel> {
    const opening = this.channels.open((channel) => Promise.resolve(channel));
    await turns();
    this.answer("channel.open-ok", {}, this.sent.at(-1)!.channel);
    return await opening;
  }

  /** The broker sends a method. */
  answer<N extends BrokerMethod>(
    name: N,
    args: Partial<Arguments<N>> = {},
    channel = 1,
  ): void {
    this.bytes(methodFrame(name, args, channel));
  }

  /** The broker sends these bytes. */
  bytes(bytes: Uint8Array): void {
    fill(this.#incoming, bytes, () => {
      const { bytes, start, end } = this.#incoming;
      this.#reader.reset(bytes, start, end);
      const channel = this.channels.channelOf(this.#incoming, this.#reader);
      channel?.take(this.#incoming, this.#reader);
    });
  }

  /** What was sent, once all is written, and not looked at before. */
  async said(): Promise<string[]> {
    await turns();
    return this.sent.splice(0).map(({ name, channel }) => `${name} ${channel}`);
  }

  #record(bytes: Uint8Array): void {
    fill(this.#outgoing, bytes, () => {
      const { bytes, start, end, type, channel } = this.#outgoing;
      if (type !== METHOD) return;
      const reader = new Reader(bytes, start, end);
      const name = clientMethod(reader.long());
      this.sent.push({ channel, name, args: readArguments(name, reader) });
    });
  }
}

/** A method as a frame. */
export function methodFrame<N extends BrokerMethod | ClientMethod>(
  name: N,
  args: Partial<Arguments<N>> = {},
  channel = 1,
): Uint8Array {
  const writer = new Writer();
  writeMethod(writer, channel, name, args);
  return writer.take();
}

function frameBuffer(): FrameBuffer {
  const buffer = new FrameBuffer();
  buffer.frameMax = 16 * 1024 * 1024;
  return buffer;
}

function fill(buffer: FrameBuffer, bytes: Uint8Array, take: () => void): void {
  for (let at = 0; at < bytes.length;) {
    const space = buffer.space();
    const part = bytes.subarray(at, at + space.length);
    space.set(part);
    buffer.filled(part.length);
    at += part.length;
    while (buffer.next()) take();
  }
}
