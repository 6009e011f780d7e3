/**
 * A stream, as its reader sees it.
 *
 * @module
 */
import { backoffMs } from "../../../async/backoff.ts";
import { nowMs } from "../../../async/clock.ts";
import { delay, settled } from "../../../async/delay.ts";
import { RpcError } from "../../errors.ts";
import type { RpcReply } from "../../messages.ts";
import { isAbsence } from "../failures.ts";
import type { Attempt, PendingStream } from "./pending_stream.ts";
import { ReplyBuffer } from "./reply_buffer.ts";

/** How a stream is begun and given up. */
export interface ReplyStreamParts {
  /** Sends the request; may be called again if that failed. */
  readonly start: (attempt: Attempt) => PendingStream;
  /** Ends it: its reader has left. */
  readonly giveUp: (stream: PendingStream) => void;
  /** Within which the first item is due, in ms. */
  readonly firstMs: number;
  /** Whether to wait for a broker and a queue to appear. */
  readonly wait: boolean;
  /** Aborted when another attempt need not wait any longer. */
  readonly sooner: () => AbortSignal[];
}

/** Begins when it is first read, and ends when its reader leaves. */
export class ReplyStream
  implements AsyncIterableIterator<RpcReply>, AsyncDisposable {
  readonly #parts: ReplyStreamParts;
  readonly #buffer = new ReplyBuffer({
    onTake: (reply) => this.#stream?.taken(reply),
    onWait: () => this.#stream?.awaited(),
  });
  /** Ends the wait before another attempt. */
  #waiting: AbortController | undefined;
  #hasLeft = false;
  #beganMs: number | undefined;
  #stream: PendingStream | undefined;
  #attempts = 0;

  /** Not begun. */
  constructor(parts: ReplyStreamParts) {
    this.#parts = parts;
  }

  /** The next item, once there is one. */
  next(): Promise<IteratorResult<RpcReply>> {
    const next = this.#buffer.next();
    if (this.#beganMs === undefined) this.#start(this.#beganMs = nowMs());
    return next;
  }

  /** The reader leaves: the procedure ends. */
  return(): Promise<IteratorResult<RpcReply>> {
    this.#hasLeft = true;
    this.#waiting?.abort();
    this.#beganMs ??= nowMs();
    this.#buffer.leave();
    if (this.#stream) this.#parts.giveUp(this.#stream);
    this.#stream = undefined;
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Itself: there is one reader. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The reader leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #start(beganMs: number): void {
    this.#attempts++;
    try {
      this.#stream = this.#parts.start({
        buffer: this.#buffer,
        beganMs,
        firstDueMs: beganMs + this.#parts.firstMs,
        onFailed: (error) => this.#failed(error, beganMs),
      });
    } catch (error) {
      this.#buffer.end(RpcError.from(error));
    }
  }

  #failed(error: RpcError, beganMs: number): void {
    const { wait, firstMs } = this.#parts;
    const retryInMs = backoffMs(this.#attempts);
    const isHopeful = wait && isAbsence(error) && !this.#stream?.isHeard &&
      !this.#hasLeft && nowMs() + retryInMs < beganMs + firstMs;
    if (!isHopeful) return this.#buffer.end(error);
    this.#stream = undefined;
    void settled(this.#startAgain(retryInMs, beganMs));
  }

  async #startAgain(inMs: number, beganMs: number): Promise<void> {
    this.#waiting = new AbortController();
    const ends = [this.#waiting.signal, ...this.#parts.sooner()];
    await settled(delay(inMs, AbortSignal.any(ends)));
    if (!this.#hasLeft) this.#start(beganMs);
  }
}
