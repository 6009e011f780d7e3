/**
 * A callback queue on a live connection, the requests that go out with it, and
 * the replies that come back.
 *
 * @module
 */
import { epochNowMs, nowMs } from "../../async/clock.ts";
import type { BrokerConnection, CallbackQueue } from "../transport.ts";
import { requestProperties } from "../wire.ts";
import { AnsweringQueues } from "./answering_queues.ts";
import type { Call } from "./call.ts";
import { connectionLost } from "./failures.ts";
import type { PendingCall, PendingCalls } from "./pending.ts";
import type { UnknownMessages } from "./unknown_messages.ts";

/** Lives as long as its callback queue is consumed. */
export class Requester {
  readonly connection: BrokerConnection;
  readonly #callbackQueue: CallbackQueue;
  readonly #answering = new AnsweringQueues();
  #lost: { cause: unknown } | undefined;

  /** For a callback queue that is consumed over this connection. */
  constructor(connection: BrokerConnection, callbackQueue: CallbackQueue) {
    this.connection = connection;
    this.#callbackQueue = callbackQueue;
    connection.lost.then((cause) => this.#lost = { cause });
  }

  /**
   * Publishes the request of a call, with a confirm if that says more than the
   * reply.
   *
   * @throws {RpcError} `connection_lost` if the loss is known already: a
   * request that was not sent can't have run.
   */
  send(pending: PendingCall, call: Call): void {
    if (this.#lost) throw connectionLost(this.#lost.cause);
    const { correlationId, dueMs, queue } = pending;
    const { stream } = call;
    const callbackQueue = this.#callbackQueue;
    const fields = {
      correlationId,
      replyTo: callbackQueue.name,
      leftMs: dueMs - nowMs(),
      messageId: call.messageId,
      stream: stream && { ...stream, leftMs: stream.dueMs - nowMs() },
      progressId: call.progressId,
    };
    const properties = requestProperties(fields, epochNowMs(), call.options);
    pending.sent = true;
    if (call.confirm || !this.#answering.has(queue)) {
      const listener = call.trial?.watch(pending) ?? pending;
      callbackQueue.publish(queue, call.body, properties, listener);
    } else {
      callbackQueue.publishUnconfirmed(queue, call.body, properties, pending);
    }
  }

  /**
   * Ends calls with their replies, until there can be no more.
   *
   * @throws {Error} why there can be no more.
   */
  async read(pending: PendingCalls, unknown: UnknownMessages): Promise<void> {
    const callbackQueue = this.#callbackQueue;
    for await (const delivery of callbackQueue) {
      const call = pending.find(delivery.properties.correlationId);
      if (call === undefined) unknown.receive(delivery, callbackQueue);
      else {
        this.#answering.answered(call.queue);
        call.receive(delivery, callbackQueue);
      }
    }
    throw connectionLost("the callback queue was closed");
  }

  /** Whether the connection is gone, which ends its calls soon. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** A call got no reply: nobody knows what became of its request. */
  doubt(queue: string): void {
    if (this.#answering.has(queue)) this.#callbackQueue.distrustUnconfirmed();
    this.#answering.failed(queue);
  }

  /** Deletes the callback queue. */
  async close(): Promise<void> {
    await this.#callbackQueue.close();
  }
}
