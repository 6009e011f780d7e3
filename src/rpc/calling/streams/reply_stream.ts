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
import type { PendingStream, StreamReader } from "./pending_stream.ts";
import { ReplyBuffer } from "./reply_buffer.ts";
import {
  firstItemMs,
  type StreamOptions,
  type StreamSettings,
} from "./stream_options.ts";

/** A request for a stream, checked. */
export interface StreamRequest {
  readonly queue: string;
  readonly body: Uint8Array;
  readonly options: StreamOptions;
  readonly settings: StreamSettings;
}

/** Begins streams, and gives them up. */
export interface StreamStarter {
  /** Sends the request; may be called again if that failed. */
  start(
    request: StreamRequest,
    reader: StreamReader,
    beganMs: number,
  ): PendingStream;
  /** Ends it: its reader has left. */
  giveUp(stream: PendingStream): void;
  /** Aborted when another attempt need not wait any longer. */
  sooner(request: StreamRequest): AbortSignal[];
}

/** Begins when it is first read, and ends when its reader leaves. */
export class ReplyStream
  implements AsyncIterableIterator<RpcReply>, AsyncDisposable, StreamReader {
  /** Items that came, and were not taken yet. */
  readonly buffer: ReplyBuffer = new ReplyBuffer();
  readonly #starter: StreamStarter;
  /** Undefined once it is not needed again. */
  #request: StreamRequest | undefined;
  /** Ends the wait before another attempt. */
  #waiting: AbortController | undefined;
  #hasLeft = false;
  #beganMs: number | undefined;
  #stream: PendingStream | undefined;
  #attempts = 0;

  /** Not begun. */
  constructor(starter: StreamStarter, request: StreamRequest) {
    this.#starter = starter;
    this.#request = request;
  }

  /** The next item, once there is one. */
  next(): Promise<IteratorResult<RpcReply>> {
    const next = this.buffer.next();
    if (this.#beganMs === undefined && this.#request) {
      this.#start(this.#request, this.#beganMs = nowMs());
    }
    return next;
  }

  /** The reader leaves: the procedure ends. */
  return(): Promise<IteratorResult<RpcReply>> {
    this.#hasLeft = true;
    this.#waiting?.abort();
    this.#beganMs ??= nowMs();
    this.buffer.leave();
    if (this.#stream) this.#starter.giveUp(this.#stream);
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

  /** See {@linkcode StreamReader.failed}. */
  failed(error: RpcError): void {
    const request = this.#request;
    const beganMs = this.#beganMs!;
    const retryInMs = backoffMs(this.#attempts);
    const isHopeful = request !== undefined && isAbsence(error) &&
      !this.#stream?.isHeard && !this.#hasLeft &&
      nowMs() + retryInMs < beganMs + firstItemMs(request.settings);
    if (!isHopeful) return this.buffer.end(error);
    this.#stream = undefined;
    void settled(this.#startAgain(request, retryInMs, beganMs));
  }

  #start(request: StreamRequest, beganMs: number): void {
    this.#attempts++;
    // With many streams open, their bodies would be most of the memory.
    if (!request.options.wait) this.#request = undefined;
    try {
      const stream = this.#starter.start(request, this, beganMs);
      this.#stream = stream;
      this.buffer.taker = stream;
    } catch (error) {
      this.buffer.end(RpcError.from(error));
    }
  }

  async #startAgain(
    request: StreamRequest,
    inMs: number,
    beganMs: number,
  ): Promise<void> {
    this.#waiting = new AbortController();
    const sooner = this.#starter.sooner(request);
    const ends = AbortSignal.any([this.#waiting.signal, ...sooner]);
    await settled(delay(inMs, ends));
    if (!this.#hasLeft) this.#start(request, beganMs);
  }
}
