/**
 * Whose a callback queue is, as the answer to a passive declare tells.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { RpcError } from "../rpc/errors.ts";
import type { ReplyQueueKind } from "../rpc/transport.ts";
import { channelFailure } from "./failures.ts";
import { inspectQueue } from "./queues.ts";
import type { AmqpSocket } from "./socket.ts";

/** Each takes a channel, of which a broker allows only so many. */
const MAX_CHECKS = 16;
const MAX_NAME_BYTES = 255;

/** Asks for queues, a few at a time. */
export class ReplyQueues {
  readonly #socket: AmqpSocket;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Opens a channel for each question. */
  constructor(socket: AmqpSocket) {
    this.#socket = socket;
  }

  /** What the queue is; see {@linkcode Link.checkReplyTo}. */
  async check(queue: string): Promise<ReplyQueueKind> {
    if (this.#running === MAX_CHECKS) {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn.resolve);
      await turn.promise;
    } else this.#running++;
    try {
      return await this.#ask(queue);
    } finally {
      // Whoever waits longest takes over this one's place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  async #ask(queue: string): Promise<ReplyQueueKind> {
    // The library can't name it: it would ask for another queue.
    if (!queue.isWellFormed()) {
      throw new RpcError("invalid_argument", "its name is not UTF-8");
    }
    // No queue has a name as long as that.
    if (Buffer.byteLength(queue) > MAX_NAME_BYTES) return "missing";
    try {
      const info = await inspectQueue(this.#socket, queue);
      return info === undefined ? "missing" : "shared";
    } catch (thrown) {
      const failure = channelFailure(thrown);
      if (failure.reason === "locked") return "exclusive";
      const isLost = failure.reason === "connection_lost";
      if (this.#socket.closed || !isLost) throw failure;
      throw new RpcError("unavailable", failure.message, { cause: failure });
    }
  }
}
