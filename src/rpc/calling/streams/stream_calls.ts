/**
 * Asks for streams.
 *
 * @module
 */
import { RpcError } from "../../errors.ts";
import { intercepted } from "../../interceptor.ts";
import { queueName } from "../../limits.ts";
import { toBytes } from "../../messages.ts";
import type { Attempts } from "../attempts.ts";
import { clientClosed } from "../failures.ts";
import type { PendingCalls } from "../pending.ts";
import type { ProgressListeners } from "../progress_listeners.ts";
import {
  PendingStream,
  type StreamReader,
  type StreamTable,
} from "./pending_stream.ts";
import {
  ReplyStream,
  type StreamRequest,
  type StreamStarter,
} from "./reply_stream.ts";
import type {
  OutgoingStreamCall,
  SendStream,
  StreamInterceptor,
} from "./stream_interceptor.ts";
import { SharedCredit, StreamCredit } from "./stream_credit.ts";
import { streamSettings, streamWithin } from "./stream_options.ts";

/** The streams of one client. */
export class StreamCalls implements StreamStarter, StreamTable {
  /** The stream of a request, within the interceptors. */
  readonly open: SendStream;
  readonly #attempts: Attempts;
  readonly #progress: ProgressListeners;
  readonly #shared = new SharedCredit();
  #isDraining = false;

  /** None is open. */
  constructor(
    attempts: Attempts,
    progress: ProgressListeners,
    interceptors: readonly StreamInterceptor[] = [],
  ) {
    this.#attempts = attempts;
    this.#progress = progress;
    const innermost: SendStream = (call) => this.#open(call);
    this.open = intercepted(innermost, interceptors);
  }

  /** No other is begun. */
  drain(): void {
    this.#isDraining = true;
  }

  #open(call: OutgoingStreamCall): ReplyStream {
    const settings = streamSettings(call.options);
    const options = streamWithin(call.options);
    return new ReplyStream(this, {
      queue: queueName(call.queue),
      body: toBytes(call.body),
      options,
      settings: options === call.options ? settings : streamSettings(options),
    });
  }

  /** See {@linkcode StreamStarter.start}. */
  start(
    { queue, body, options, settings }: StreamRequest,
    reader: StreamReader,
    beganMs: number,
  ): PendingStream {
    const isClosed = this.#isDraining || this.#attempts.requesters.closed;
    if (isClosed) throw clientClosed();
    this.#shared.join();
    const credit = new StreamCredit(settings, this.#shared);
    const { onProgress } = options;
    const progressId = onProgress && this.#progress.add(onProgress);
    const attempt = { reader, queue, settings, credit, beganMs, progressId };
    const stream = new PendingStream(this, attempt);
    this.#attempts.submit(stream, {
      queue,
      body,
      options,
      timeoutMs: stream.timeoutMs,
      dueMs: stream.dueMs,
      messageId: undefined,
      confirm: false,
      attempts: undefined,
      trial: undefined,
      stream: { credit: credit.granted, dueMs: stream.streamDueMs },
      ...(progressId && { progressId }),
    });
    return stream;
  }

  /** See {@linkcode StreamStarter.giveUp}. */
  giveUp({ correlationId }: PendingStream): void {
    const error = new RpcError("canceled", "the reader left the stream");
    this.pending.settle(correlationId, error);
  }

  /** See {@linkcode StreamStarter.sooner}. */
  sooner({ options: { signal } }: StreamRequest): AbortSignal[] {
    const { reopened } = this.#attempts.requesters;
    return signal ? [reopened, signal] : [reopened];
  }

  /** See {@linkcode StreamTable.pending}. */
  get pending(): PendingCalls {
    return this.#attempts.pending;
  }

  /** See {@linkcode StreamTable.cancel}. */
  cancel(stream: PendingStream): void {
    this.#attempts.cancellations.tell(stream);
  }

  /** See {@linkcode StreamTable.ended}. */
  ended({ progressId }: PendingStream): void {
    this.#shared.leave();
    if (progressId) this.#progress.delete(progressId);
  }
}
