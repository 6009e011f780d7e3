/**
 * Replies that could not be published while the connection was away.
 *
 * @module
 */
import type { OutgoingMessage } from "../wire.ts";

/** A reply that waits for a connection. */
export interface HeldReply {
  readonly replyTo: string;
  readonly message: OutgoingMessage;
  /** In ms since the epoch: nobody awaits it after that. */
  readonly deadlineMs: number;
}

const MAX_COUNT = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** For callers that told no deadline. */
const LONGEST_MS = 60_000;

/** Bounded by count and bytes: the oldest are dropped first. */
export class HeldReplies {
  #held: HeldReply[] = [];
  #bytes = 0;

  /** Replies that wait. */
  get size(): number {
    return this.#held.length;
  }

  /** Holds a reply; returns those that had to be dropped for it. */
  hold(reply: HeldReply): HeldReply[] {
    const deadlineMs = Math.min(reply.deadlineMs, Date.now() + LONGEST_MS);
    this.#held.push({ ...reply, deadlineMs });
    this.#bytes += reply.message.body.length;
    const dropped: HeldReply[] = [];
    while (this.#held.length > MAX_COUNT || this.#bytes > MAX_BYTES) {
      const oldest = this.#held.shift()!;
      this.#bytes -= oldest.message.body.length;
      dropped.push(oldest);
    }
    return dropped;
  }

  /** Takes all that somebody still awaits. */
  take(): HeldReply[] {
    const nowMs = Date.now();
    const held = this.#held.filter(({ deadlineMs }) => deadlineMs > nowMs);
    this.#held = [];
    this.#bytes = 0;
    return held;
  }
}
