// What the books hold.

import type { CallRecord, Run } from "../../rules/records.ts";
import type { Reading } from "../../rules/streams.ts";
import type { PlannedCall, PlannedStream } from "../plan_calls.ts";
import type { Delivered } from "../wire/monitor.ts";
import type { RpcContext, RpcRequest } from "../product.ts";

/** A server that was told to stop. */
export interface DrainingServer {
  readonly name: string;
  readonly queue: string;
  readonly inHand: number;
  /** Deliveries that the broker waits for. */
  readonly unsettled: number;
}

/** A call, as far as it has come. */
export interface SimulatedCall extends CallRecord {
  readonly planned: PlannedCall;
  readonly runs: SimulatedRun[];
  /** Its client has crashed. */
  isForgotten: boolean;
  /** How often it was delivered to a server. */
  deliveries: number;
  /** Requests that were sent. */
  attempts: number;
  /** Of its first request. */
  messageId?: string | undefined;
  /** Where it is one. */
  readonly stream?: SimulatedStream | undefined;
}

/** A stream, as far as it has been read. */
export interface SimulatedStream extends Reading {
  readonly terms: PlannedStream;
  /** Since when the reader waits, or when it did last. */
  waitingMs: number;
  isWaiting: boolean;
  /** When anything of it came last. */
  heardMs: number | undefined;
  /** The reader has left the loop. */
  hasLeft: boolean;
}

/** A stream of which nothing has been read. */
export function newStream(
  terms: PlannedStream,
  nowMs: number,
): SimulatedStream {
  return {
    terms,
    items: 0,
    bytes: 0,
    waitingMs: nowMs,
    isWaiting: false,
    heardMs: undefined,
    hasLeft: false,
  };
}

/** What a server says of a run as it begins. */
export interface Beginning {
  readonly server: string;
  /** Which life of the server. */
  readonly life: number;
  readonly isStopping: boolean;
  readonly concurrency: number;
  /** What it has been given before, and has not settled. */
  readonly waiting: readonly Delivered[];
  readonly request: RpcRequest;
  readonly context: RpcContext;
}

/** One run of a procedure. */
export interface SimulatedRun extends Run {
  /** Its server, in whichever life. */
  readonly node: string;
  /** Runs of the call before it. */
  readonly ordinal: number;
  /** Its server has ended without a word. */
  isDead: boolean;
  /** When it was over, or told to end, or its server ended. */
  endMs?: number;
  /** Bytes of the items that it has made. */
  bytes: number;
}
