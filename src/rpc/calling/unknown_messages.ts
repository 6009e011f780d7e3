/**
 * Messages in the callback queue that no call waits for.
 *
 * @module
 */
import {
  cancelMessage,
  IGNORED,
  MESSAGE_TYPES,
  NO_BODY,
  runOf,
  SEQ_HEADER,
} from "../stream_wire.ts";
import type { CallbackQueue, Delivery } from "../transport.ts";
import type { ProgressListeners } from "./progress_listeners.ts";

/** Counts replies without a call, and ends streams without a reader. */
export class UnknownMessages {
  readonly #progress: ProgressListeners;
  readonly #onReply: (() => void) | undefined;
  #replies = 0;

  /** `onReply` is called for each reply. */
  constructor(progress: ProgressListeners, onReply?: () => void) {
    this.#progress = progress;
    this.#onReply = onReply;
  }

  /** Replies that were late, repeated or unsolicited. */
  get replies(): number {
    return this.#replies;
  }

  /** A message that no call waits for. */
  receive(delivery: Delivery, callbackQueue: CallbackQueue): void {
    if (this.#progress.receive(delivery)) return;
    const { properties } = delivery;
    const run = runOf(properties);
    if (run !== undefined) {
      // A server that was lost before it could be told, or ran it again.
      const message = cancelMessage(properties.correlationId, run);
      const { controlQueue } = run;
      // Repeated when the stream tells again that it lives.
      callbackQueue.publishUnconfirmed(controlQueue, NO_BODY, message, IGNORED);
    }
    const { headers = {}, type } = properties;
    const isOfStream = SEQ_HEADER in headers || type === MESSAGE_TYPES.alive;
    if (isOfStream) return;
    this.#replies++;
    this.#onReply?.();
  }
}
