/**
 * What passive declares tell of queues.
 *
 * @module
 */
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import type { QueueInfo } from "../rpc/transport.ts";
import { closeChannel } from "./channels.ts";
import { channelFailure, replyCodeOf } from "./failures.ts";
import { untold } from "./refusals.ts";
import type { AmqpSocket } from "./socket.ts";

const NOT_FOUND = 404;
/** Of which a broker allows only so many. */
const MAX_CHANNELS = 16;

interface Question extends PromiseWithResolvers<QueueInfo | undefined> {
  readonly queue: string;
}

/** Asks for any number of queues, over a few channels. */
export class QueueInspector {
  readonly #socket: AmqpSocket;
  readonly #questions: Question[] = [];
  #askers = 0;

  /** Opens channels while there are questions. */
  constructor(socket: AmqpSocket) {
    this.#socket = socket;
  }

  /** What the broker tells; undefined where there is no such queue. */
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
        await this.#socket.openChannel(askOver, { urgent: false });
      } catch (error) {
        this.#questions.shift()?.reject(error);
      }
    }
    this.#askers--;
  }

  /** As long as the broker leaves the channel open, and nobody needs it more. */
  async #askOver(channel: AMQPChannel): Promise<void> {
    channel.onerror = () => {};
    do {
      const question = this.#questions.shift();
      if (question === undefined) break;
      await inspectOver(channel, question.queue)
        .then(question.resolve, question.reject);
    } while (!channel.closed && !this.#socket.wantsChannels);
    await closeChannel(channel);
  }
}

/** The broker closes a channel that asks for what is not there. */
async function inspectOver(
  channel: AMQPChannel,
  queue: string,
): Promise<QueueInfo | undefined> {
  try {
    const ok = await channel.queueDeclare(queue, { passive: true });
    return { queue, messages: ok.messageCount, consumers: ok.consumerCount };
  } catch (error) {
    if (replyCodeOf(String(error)) === NOT_FOUND) return undefined;
    const isRefused = channelFailure(error).reason === "refused";
    throw isRefused ? untold(queue, error) : error;
  }
}
