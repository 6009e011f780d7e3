/**
 * The streams that a server is sending.
 *
 * @module
 */
import { epochNowMs } from "../../../async/clock.ts";
import { Deadlines } from "../../../async/deadlines.ts";
import { SendPace } from "./send_pace.ts";
import { RpcError } from "../../errors.ts";
import type { MessageProperties } from "../../messages.ts";
import {
  type Credit,
  grantedCredit,
  isTooLateToStart,
  MESSAGE_TYPES,
  requestedCredit,
  RUN_HEADER,
} from "../../stream_wire.ts";
import { kindOf } from "../../texts.ts";
import { UniqueIds } from "../../unique_ids.ts";
import type { Execution, OnRunEnd } from "../execution.ts";
import type { Job } from "../job.ts";
import type { OutgoingStream } from "./outgoing_stream.ts";
import {
  noStreams,
  StreamExecution,
  type StreamHost,
  type StreamRunLimits,
} from "./stream_execution.ts";

/** What all streams of a server are held to. */
export interface OpenStreamsLimits extends StreamRunLimits {
  /** How many there may be at once. */
  readonly maxStreams: number;
}

/** Counts of streams, for monitoring. */
export interface StreamStats {
  /** Streams that are open. */
  readonly open: number;
  /** Of these, the ones that wait for credit of their callers. */
  readonly stalled: number;
  /** Items that were sent since the server began, of open streams as well. */
  readonly items: number;
}

/** Callbacks of the streams of a server. */
export interface OpenStreamsHooks {
  onEnd: OnRunEnd;
  /** The time of a run is up earlier than it was. */
  onSooner: (run: Execution) => void;
}

/** Finds streams by their runs and their callers, and keeps them alive. */
export class OpenStreams implements StreamHost {
  readonly limits: OpenStreamsLimits;
  readonly pace: SendPace = new SendPace();
  readonly onEnd: OnRunEnd;
  readonly onSooner: (run: Execution) => void;
  readonly #runs = new UniqueIds();
  readonly #byRun = new Map<string, StreamExecution>();
  /** By the callback queue. */
  readonly #byCaller = new Map<string, Set<StreamExecution>>();
  readonly #streams = new Set<OutgoingStream>();
  #itemsOfEnded = 0;
  readonly #alive: Deadlines<OutgoingStream> = new Deadlines(
    this.#streams,
    (stream) => {
      stream.tellAlive();
      this.#alive.watch(stream);
    },
  );

  /** None is open. */
  constructor(
    limits: OpenStreamsLimits,
    { onEnd, onSooner }: OpenStreamsHooks,
  ) {
    this.limits = limits;
    this.onSooner = onSooner;
    this.onEnd = (outcome, run) => {
      this.#remove(run as StreamExecution);
      onEnd(outcome, run);
    };
  }

  /** Counts, as they are now. */
  get stats(): StreamStats {
    let stalled = 0;
    let items = this.#itemsOfEnded;
    for (const stream of this.#streams) {
      if (stream.state === "stalled") stalled++;
      items += stream.items;
    }
    return { open: this.#streams.size, stalled, items };
  }

  /**
   * What a job asks for that is to be a stream; undefined for any other, and an
   * error if it can't be one.
   */
  wanted({ request, requests }: Job): Credit | RpcError | undefined {
    const { headers, replyTo } = request;
    const credit = requestedCredit(headers);
    // Of a one-way request nobody reads anything.
    if (credit === undefined || replyTo === undefined) return undefined;
    if (typeof credit === "string") {
      const found = kindOf(headers[credit]);
      const wanted = `${credit} must be a whole number above 0`;
      return new RpcError("invalid_argument", `${wanted}, got ${found}`);
    }
    if (isTooLateToStart(request, epochNowMs())) {
      return new RpcError(
        "deadline_exceeded",
        "the caller no longer waits for the stream to begin",
      );
    }
    if (requests.streams === undefined) return noStreams();
    const { maxStreams } = this.limits;
    if (this.#streams.size < maxStreams) return credit;
    return new RpcError(
      "resource_exhausted",
      `as many streams are open as the server's limit allows: ${maxStreams}`,
      { details: { limit: "max_streams", max: maxStreams } },
    );
  }

  /** A run that sends a stream. */
  open(job: Job, credit: Credit): StreamExecution {
    const id = this.#runs.idOf(this.#runs.next());
    const execution = new StreamExecution(job, id, credit, this);
    this.#add(execution);
    return execution;
  }

  /** A control message of whoever knows a run and its correlation id. */
  control({ type, correlationId, headers = {} }: MessageProperties): void {
    const execution = this.#byRun.get(headers[RUN_HEADER] as string);
    if (execution === undefined) return;
    if (execution.request.correlationId !== correlationId) return;
    if (type === MESSAGE_TYPES.cancel) {
      const error = new RpcError("canceled", "the caller canceled the call");
      return execution.abort(error);
    }
    if (type !== MESSAGE_TYPES.credit) return;
    const credit = grantedCredit(headers);
    if (credit) execution.stream.grant(credit);
  }

  /** A callback queue is gone: its streams end. */
  callerGone(replyTo: string): void {
    const executions = this.#byCaller.get(replyTo);
    if (executions === undefined) return;
    const error = new RpcError("canceled", "the caller is gone");
    for (const execution of [...executions]) execution.abort(error);
  }

  /** No more is told: what runs is abandoned. */
  stop(): void {
    this.#alive.stop();
  }

  #add(execution: StreamExecution): void {
    const { stream } = execution;
    this.#byRun.set(stream.run, execution);
    const ofCaller = this.#byCaller.get(stream.replyTo) ?? new Set();
    this.#byCaller.set(stream.replyTo, ofCaller.add(execution));
    this.#streams.add(stream);
    this.#alive.watch(stream);
  }

  #remove(execution: StreamExecution): void {
    const { stream } = execution;
    this.#byRun.delete(stream.run);
    const ofCaller = this.#byCaller.get(stream.replyTo);
    ofCaller?.delete(execution);
    if (ofCaller?.size === 0) this.#byCaller.delete(stream.replyTo);
    if (this.#streams.delete(stream)) this.#itemsOfEnded += stream.items;
  }
}
