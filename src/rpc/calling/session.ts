/**
 * A callback queue on a live connection, and the requests that go out with it.
 *
 * @module
 */
import { AnsweringQueues } from "./answering_queues.ts";
import type { Call } from "./call.ts";
import { connectionLost } from "../failures.ts";
import { epochNowMs, nowMs } from "../../async/clock.ts";
import type { PendingCall } from "./pending.ts";
import type { CallbackQueue, Link } from "../transport.ts";
import { requestProperties } from "../wire.ts";

/** Lives as long as its callback queue is consumed. */
export class Session {
  readonly link: Link;
  readonly callbackQueue: CallbackQueue;
  readonly #answering = new AnsweringQueues();
  #lost: { cause: unknown } | undefined;

  /** Of a queue that is consumed over this link. */
  constructor(link: Link, callbackQueue: CallbackQueue) {
    this.link = link;
    this.callbackQueue = callbackQueue;
    link.lost.then((cause) => this.#lost = { cause });
  }

  /**
   * Publishes the request of a call; confirmed where that tells something.
   *
   * @throws {RpcError} `connection_lost` where that is known already: what is
   * not sent can't have run.
   */
  send(pending: PendingCall, call: Call): void {
    if (this.#lost) throw connectionLost(this.#lost.cause);
    const { correlationId, dueMs, queue } = pending;
    const {
      type,
      contentType,
      contentEncoding,
      headers,
      persistent,
      priority,
    } = call.options;
    const properties = requestProperties({
      correlationId,
      replyTo: this.callbackQueue.name,
      leftMs: dueMs - nowMs(),
      messageId: call.messageId,
      type,
      contentType,
      contentEncoding,
      headers,
      persistent,
      priority,
    }, epochNowMs());
    pending.sent = true;
    const { callbackQueue } = this;
    if (call.confirm || !this.#answering.has(queue)) {
      const listener = call.trial?.watch(pending) ?? pending;
      callbackQueue.publish(queue, call.body, properties, listener);
    } else {
      callbackQueue.publishUnconfirmed(queue, call.body, properties, pending);
    }
  }

  /** Whether the connection is gone, which ends its calls soon. */
  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** A reply came to a request to this queue. */
  answered(queue: string): void {
    this.#answering.answered(queue);
  }

  /** A call got no reply: nobody knows what became of its request. */
  doubt(queue: string): void {
    const { callbackQueue } = this;
    if (this.#answering.has(queue)) callbackQueue.distrustUnconfirmed();
    this.#answering.failed(queue);
  }
}
