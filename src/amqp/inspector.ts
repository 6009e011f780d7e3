/**
 * Asks for queues by passive declares.
 *
 * @module
 */
import { REPLY_CODES } from "../amqp091/errors.ts";
import type { QueueInfo } from "../rpc/transport.ts";
import type { Channel } from "./channel.ts";
import { channelFailure } from "./channel_failures.ts";
import { replyCodeOf } from "./closed_by_broker.ts";
import { closeChannel } from "./closing.ts";
import type { Connection } from "./connection.ts";
import { untold } from "./refusals.ts";

/** Few, since a broker limits channels. */
const MAX_CHANNELS = 16;

interface Question extends PromiseWithResolvers<QueueInfo | undefined> {
  readonly queue: string;
}

/** Asks for any number of queues, over a few channels. */
export class QueueInspector {
  readonly #connection: Connection;
  readonly #questions: Question[] = [];
  #askers = 0;

  /** Opens channels while there are questions. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What a passive declare returns; undefined if there is no such queue. */
  inspect(queue: string): Promise<QueueInfo | undefined> {
    const question = {
      queue,
      ...Promise.withResolvers<QueueInfo | undefined>(),
    };
    this.#questions.push(question);
    if (this.#askers < MAX_CHANNELS) void this.#ask();
    return question.promise;
  }

  async #ask(): Promise<void> {
    this.#askers++;
    while (this.#questions.length > 0) {
      try {
        const askOver = this.#askOver.bind(this);
        await this.#connection.openChannel(askOver, { patient: true });
      } catch (error) {
        this.#questions.shift()?.reject(error);
      }
    }
    this.#askers--;
  }

  /** Until the broker closes the channel, or something urgent needs it. */
  async #askOver(channel: Channel): Promise<void> {
    do {
      const question = this.#questions.shift();
      if (question === undefined) break;
      await inspectOver(channel, question.queue)
        .then(question.resolve, question.reject);
    } while (!channel.closed && !this.#connection.channels.urgent);
    await closeChannel(this.#connection, channel);
  }
}

/** The broker closes a channel that asks for what is not there. */
async function inspectOver(
  channel: Channel,
  queue: string,
): Promise<QueueInfo | undefined> {
  try {
    const { messageCount, consumerCount } = await channel.request(
      "queue.declare",
      { queue, passive: true },
    );
    return { queue, messages: messageCount, consumers: consumerCount };
  } catch (error) {
    if (replyCodeOf(error) === REPLY_CODES.NOT_FOUND) return undefined;
    const isRefused = channelFailure(error).reason === "refused";
    throw isRefused ? untold(queue, error) : error;
  }
}
