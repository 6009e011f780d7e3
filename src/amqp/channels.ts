/**
 * The channels of a connection, of which a broker allows only so many.
 *
 * @module
 */
import { AmqpError } from "../amqp091/errors.ts";
import { type FrameBuffer, METHOD } from "../amqp091/frames.ts";
import { METHODS } from "../amqp091/methods.ts";
import type { Reader } from "../amqp091/reader.ts";
import { LONGEST_TIMER_MS } from "../async/timers.ts";
import { Channel, type ChannelHost } from "./channel.ts";
import { ChannelTurns } from "./channel_turns.ts";
import type { Flow } from "./flow.ts";
import type { JoinedWrites } from "./joined_writes.ts";

/**
 * What a broker may send on a channel that it has closed: its answer to a close
 * of ours that crossed its own, or a second close, for a request that named the
 * queue declared last and came after the first mistake (RabbitMQ).
 */
const ENDS: readonly number[] = [
  METHODS["channel.close"].id,
  METHODS["channel.close-ok"].id,
];
/** Where the broker sets no limit. */
const MOST_CHANNELS = 65_535;

/** One each to consume, to publish, for cancel messages and for questions. */
const FEW_CHANNELS = 4;

/** How a channel is opened. */
export interface OpenChannelOptions {
  /**
   * How long to wait for a channel if all are in use, in ms.
   *
   * @default forever
   */
  limitMs?: number;
  /**
   * Whether to let all others go first.
   *
   * @default {false}
   */
  patient?: boolean | undefined;
}

/** Opens channels, and knows them by number. */
export class Channels implements ChannelHost {
  readonly writes: JoinedWrites;
  /** The most at a time; 0 for no limit. */
  limit = 0;
  /** By number; number 0 is the connection's own. */
  readonly #channels: (Channel | undefined)[] = [undefined];
  #open = 0;
  readonly #turns = new ChannelTurns(() =>
    (this.limit || MOST_CHANNELS) - this.#open
  );
  readonly #flow: Flow;
  #lost: Error | undefined;

  /** None is open yet; `flow` tells what the broker keeps waiting. */
  constructor(writes: JoinedWrites, flow: Flow) {
    this.writes = writes;
    this.#flow = flow;
  }

  /** Whether something that can't wait for long needs a channel. */
  get urgent(): boolean {
    return this.#turns.urgent;
  }

  /** Whether the broker allows so few that none may be kept open needlessly. */
  get scarce(): boolean {
    return this.limit > 0 && this.limit <= FEW_CHANNELS;
  }

  /**
   * Opens a channel and asks things of it, all in one round trip: the broker
   * answers in order.
   *
   * @throws {RpcError} `resource_exhausted` if none is free in time.
   */
  async open<T>(
    ask: (channel: Channel) => Promise<T>,
    options: OpenChannelOptions = {},
  ): Promise<T> {
    if (this.#lost) throw this.#lost;
    const { limitMs = LONGEST_TIMER_MS, patient = false } = options;
    const turn = this.#turns.next(!patient, limitMs);
    if (turn !== undefined) {
      try {
        await turn;
      } catch (error) {
        // A broker that blocks the connection closes no channel meanwhile.
        const unblocked = this.#flow.unblocked;
        if (unblocked === undefined) throw error;
        await unblocked;
        return await this.open(ask, options);
      }
      this.#turns.used();
    }
    if (this.#lost) throw this.#lost;
    const channel = this.#add();
    const opening = channel.request("channel.open");
    const [answer] = await Promise.all([ask(channel), opening]);
    return answer;
  }

  /**
   * The channel of a frame; undefined if the frame comes late, and is to be
   * ignored.
   *
   * @throws {AmqpError} for a channel that is not open.
   */
  channelOf(frame: FrameBuffer, reader: Reader): Channel | undefined {
    const channel = this.#channels[frame.channel];
    if (channel !== undefined) return channel;
    if (frame.type === METHOD && ENDS.includes(reader.long())) return undefined;
    throw new AmqpError(
      "CHANNEL_ERROR",
      `a frame for channel ${frame.channel}, which is not open`,
    );
  }

  /** See {@linkcode ChannelHost.channelGone}. */
  channelGone({ id }: Channel): void {
    this.#channels[id] = undefined;
    this.#open--;
    this.#turns.check();
  }

  /** The connection was lost. */
  lost(error: Error): void {
    this.#lost = error;
    this.#turns.end(error);
    for (const channel of this.#channels) channel?.lost(error);
  }

  #add(): Channel {
    const hole = this.#channels.indexOf(undefined, 1);
    const id = hole === -1 ? this.#channels.length : hole;
    const channel = new Channel(this, id);
    this.#channels[id] = channel;
    this.#open++;
    return channel;
  }
}
