/**
 * Replies that could not be published while the connection was away.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";
import type { RpcRequest } from "../messages.ts";
import type { OutgoingMessage } from "../wire.ts";

/** A reply that waits for a connection. */
export interface HeldReply {
  readonly request: RpcRequest;
  readonly replyTo: string;
  readonly message: OutgoingMessage;
  /** Whether it is an error reply. */
  readonly isError: boolean;
  /** When its caller gives up, on the clock of `nowMs()`. */
  readonly dueMs: number;
  /** Whether it was in flight when the broker closed a connection. */
  readonly suspect: boolean;
}

const MAX_COUNT = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** For callers that set no deadline. */
const LONGEST_MS = 60_000;

/** Limited in number and bytes: the oldest are dropped first. */
export class HeldReplies {
  #held: HeldReply[] = [];
  #bytes = 0;

  /** Replies that wait. */
  get size(): number {
    return this.#held.length;
  }

  /** Holds a reply; returns those that had to make room for it. */
  hold(reply: HeldReply): HeldReply[] {
    const dueMs = Math.min(reply.dueMs, nowMs() + LONGEST_MS);
    this.#held.push({ ...reply, dueMs });
    this.#bytes += bytesOf(reply);
    const dropped: HeldReply[] = [];
    while (this.#held.length > MAX_COUNT || this.#bytes > MAX_BYTES) {
      const oldest = this.#held.shift()!;
      this.#bytes -= bytesOf(oldest);
      dropped.push(oldest);
    }
    return dropped;
  }

  /** Takes all replies whose callers still wait. */
  take(): HeldReply[] {
    const takenMs = nowMs();
    const held = this.#held.filter(({ dueMs }) => dueMs > takenMs);
    this.#held = [];
    this.#bytes = 0;
    return held;
  }
}

function bytesOf({ message, request }: HeldReply): number {
  return message.body.length + request.byteLength;
}
