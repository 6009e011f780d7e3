/**
 * Who owns the queue that a `reply_to` names, found out by a passive declare.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { RpcError } from "../rpc/errors.ts";
import type { ReplyQueueKind } from "../rpc/transport.ts";
import { channelFailure } from "./channel_failures.ts";
import type { Connection } from "./connection.ts";
import type { QueueInspector } from "./inspector.ts";

const MAX_NAME_BYTES = 255;

/** Checks queues. */
export class ReplyQueues {
  readonly #connection: Connection;
  readonly #inspector: QueueInspector;

  /** Asks over one connection. */
  constructor(connection: Connection, inspector: QueueInspector) {
    this.#connection = connection;
    this.#inspector = inspector;
  }

  /** What the queue is; see {@linkcode BrokerConnection.checkReplyTo}. */
  async check(queue: string): Promise<ReplyQueueKind> {
    // No queue has a name that is not UTF-8, or that long.
    if (!queue.isWellFormed()) return "missing";
    if (Buffer.byteLength(queue) > MAX_NAME_BYTES) return "missing";
    try {
      const info = await this.#inspector.inspect(queue);
      return info === undefined ? "missing" : "shared";
    } catch (thrown) {
      const failure = channelFailure(thrown);
      if (failure.reason === "locked") return "exclusive";
      const isLost = failure.reason === "connection_lost";
      if (this.#connection.closed || !isLost) throw failure;
      throw new RpcError("unavailable", failure.message, { cause: failure });
    }
  }
}
