/**
 * Asks for streams.
 *
 * @module
 */
import { settled } from "../../../async/delay.ts";
import { RpcError } from "../../errors.ts";
import { intercepted } from "../../interceptor.ts";
import { queueName } from "../../limits.ts";
import { toBytes } from "../../messages.ts";
import type { Call } from "../call.ts";
import { clientClosed } from "../failures.ts";
import type { PendingCall, PendingCalls } from "../pending.ts";
import type { ProgressListeners } from "../progress_listeners.ts";
import type { Requesters } from "../requesters.ts";
import { type Attempt, PendingStream } from "./pending_stream.ts";
import { ReplyStream } from "./reply_stream.ts";
import type {
  OutgoingStreamCall,
  SendStream,
  StreamInterceptor,
} from "./stream_interceptor.ts";
import { SharedCredit, StreamCredit } from "./stream_credit.ts";
import {
  type StreamOptions,
  type StreamSettings,
  streamSettings,
  streamWithin,
} from "./stream_options.ts";

/** What streams have of their client. */
export interface StreamCallsParts {
  readonly pending: PendingCalls;
  readonly requesters: Requesters;
  readonly progress: ProgressListeners;
  readonly interceptors: readonly StreamInterceptor[];
  /** Registers a call, and sends it now or later. */
  readonly submit: (pending: PendingCall, call: Call) => void;
}

/** A stream that is asked for, checked. */
interface StreamRequest {
  readonly queue: string;
  readonly body: Uint8Array;
  readonly options: StreamOptions;
  readonly settings: StreamSettings;
}

/** The streams of one client. */
export class StreamCalls {
  /** The stream of a request, within the interceptors. */
  readonly open: SendStream;
  readonly #parts: StreamCallsParts;
  readonly #shared = new SharedCredit();
  #isDraining = false;

  /** None is open. */
  constructor(parts: StreamCallsParts) {
    this.#parts = parts;
    const innermost: SendStream = (call) => this.#open(call);
    this.open = intercepted(innermost, parts.interceptors);
  }

  /** No other is begun. */
  drain(): void {
    this.#isDraining = true;
  }

  #open(call: OutgoingStreamCall): ReplyStream {
    streamSettings(call.options);
    const options = streamWithin(call.options);
    const settings = streamSettings(options);
    const request = {
      queue: queueName(call.queue),
      body: toBytes(call.body),
      options,
      settings,
    };
    return new ReplyStream({
      start: (attempt) => this.#start(request, attempt),
      giveUp: ({ correlationId }) => {
        const error = new RpcError("canceled", "the reader left the stream");
        this.#parts.pending.settle(correlationId, error);
      },
      firstMs: Math.min(settings.timeoutMs, settings.idleTimeoutMs),
      wait: options.wait ?? false,
      sooner: () => {
        const { reopened } = this.#parts.requesters;
        return options.signal ? [reopened, options.signal] : [reopened];
      },
    });
  }

  #start(request: StreamRequest, attempt: Attempt): PendingStream {
    if (this.#isDraining || this.#parts.requesters.closed) throw clientClosed();
    const { pending: table, progress } = this.#parts;
    const { queue, body, options, settings } = request;
    const dueMs = attempt.beganMs + settings.timeoutMs;
    this.#shared.join();
    const credit = new StreamCredit(settings, this.#shared);
    const progressId = options.onProgress && progress.add(options.onProgress);
    const pending = new PendingStream({
      ...attempt,
      table,
      queue,
      settings,
      credit,
      dueMs,
      onCancel: (correlationId) => this.#cancel(queue, correlationId),
      onEnd: () => {
        this.#shared.leave();
        if (progressId) progress.delete(progressId);
      },
    });
    this.#parts.submit(pending, {
      queue,
      body,
      options,
      timeoutMs: pending.timeoutMs,
      dueMs: pending.dueMs,
      messageId: undefined,
      confirm: false,
      attempts: undefined,
      trial: undefined,
      stream: { credit: credit.granted, dueMs },
      ...(progressId && { progressId }),
    });
    return pending;
  }

  #cancel(queue: string, correlationId: string): void {
    const requester = this.#parts.requesters.current;
    // That the procedure goes on after all is no error.
    if (requester === undefined) return;
    void settled(requester.connection.cancelCall(queue, correlationId));
  }
}
