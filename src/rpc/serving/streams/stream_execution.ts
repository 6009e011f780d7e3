/**
 * One run of a procedure for a caller who asked for a stream.
 *
 * @module
 */
import { nowMs, toEpochMs } from "../../../async/clock.ts";
import { coarseDueMs } from "../../../async/deadlines.ts";
import { RpcError } from "../../errors.ts";
import type { Procedure, RpcResult } from "../../procedure.ts";
import { type Credit, SILENCE_MS } from "../../stream_wire.ts";
import { formatMs } from "../../texts.ts";
import type { SendableResult } from "../../wire.ts";
import { Execution, type OnRunEnd, type RunLimits } from "../execution.ts";
import { bodySource, type ItemSource, itemSource } from "../item_source.ts";
import type { Job, Outcome } from "../job.ts";
import { OutgoingStream } from "./outgoing_stream.ts";
import type { SendPace } from "./send_pace.ts";
import type { StreamLimits } from "./stream_limits.ts";
import type {
  StreamingQueue,
  StreamOwner,
  StreamState,
} from "./stream_owner.ts";

/** The bounds of every run that is a stream. */
export interface StreamRunLimits extends RunLimits, StreamLimits {
  /** How long it may wait for credit, in ms. */
  readonly stallTimeoutMs: number;
}

/** What the streams of a server have in common. */
export interface StreamHost {
  readonly limits: StreamRunLimits;
  readonly pace: SendPace;
  readonly onEnd: OnRunEnd;
  /** The time of a run is up earlier than it was. */
  readonly onSooner: (run: Execution) => void;
}

/**
 * Sends the items of a result that is a stream; any other result is a stream of
 * one, sent as a reply. Its time limit is that of whatever it waits for.
 */
export class StreamExecution extends Execution implements StreamOwner {
  readonly stream: OutgoingStream;
  readonly #host: StreamHost;
  #isStream = false;

  /** Not started yet; the job's queue is one that streams may go over. */
  constructor(job: Job, run: string, credit: Credit, host: StreamHost) {
    super(job, host.limits, host.onEnd);
    this.#host = host;
    const requests = job.requests as StreamingQueue;
    this.stream = new OutgoingStream(this, requests, run, credit);
  }

  /** See {@linkcode StreamOwner.streamLimits}. */
  get streamLimits(): StreamLimits {
    return this.#host.limits;
  }

  /** See {@linkcode StreamOwner.pace}. */
  get pace(): SendPace {
    return this.#host.pace;
  }

  /** Of the caller alone. */
  override get deadlineMs(): number {
    return toEpochMs(this.job.dueMs);
  }

  /** Waits for the request, which another server may get. */
  override connectionLost(): void {
    this.stream.disconnected();
  }

  /** Goes on. */
  override rejoin(job: Job): void {
    super.rejoin(job);
    const { requests } = job;
    if (requests.streams === undefined) return this.abort(noStreams());
    this.stream.reconnected(requests as StreamingQueue);
  }

  /** Names what was waited for. */
  override timeoutError(): RpcError {
    const { state } = this.stream;
    if (state === "disconnected") return lostRequest();
    if (nowMs() >= this.job.dueMs) return super.timeoutError();
    const { handlerTimeoutMs, stallTimeoutMs } = this.#host.limits;
    return new RpcError(
      "deadline_exceeded",
      state === "running"
        ? "the procedure gave no item within the server's limit of " +
          formatMs(handlerTimeoutMs)
        : `the ${state === "stalled" ? "caller" : "broker"} took no item for ` +
          formatMs(stallTimeoutMs),
    );
  }

  /** A run that may not be the first says so before anything else. */
  override start(procedure: Procedure): void {
    if (this.request.redelivered) this.stream.tellAlive();
    super.start(procedure);
  }

  protected override convert(
    result: RpcResult,
  ): SendableResult | PromiseLike<SendableResult> {
    const source = sourceOf(result);
    if (source === undefined) return super.convert(result);
    this.#isStream = true;
    return this.stream.send(source);
  }

  protected override close(outcome: Outcome): Outcome {
    const reason = "error" in outcome ? outcome.error : undefined;
    this.stream.close(reason);
    return this.#isStream ? { ...outcome, items: this.stream.items } : outcome;
  }

  /** See {@linkcode StreamOwner.progressed}. */
  progressed(state: StreamState, atMs: number): void {
    const { handlerTimeoutMs, stallTimeoutMs } = this.#host.limits;
    const before = this.dueMs;
    this.dueMs = state === "disconnected"
      ? coarseDueMs(SILENCE_MS, atMs)
      : Math.min(
        this.job.dueMs,
        coarseDueMs(
          state === "running" ? handlerTimeoutMs : stallTimeoutMs,
          atMs,
        ),
      );
    if (this.dueMs < before) this.#host.onSooner(this);
  }
}

function sourceOf(result: RpcResult): ItemSource | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  return result instanceof Response ? bodySource(result) : itemSource(result);
}

/** Why a server sends none at all. */
export function noStreams(): RpcError {
  return new RpcError(
    "failed_precondition",
    "the server can't send streams: the broker lets it have no queue for what " +
      "callers tell it",
  );
}

function lostRequest(): RpcError {
  return new RpcError(
    "aborted",
    "the connection to the broker was lost, and the request did not come back",
  );
}
