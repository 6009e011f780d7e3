// What the books hold.

import type { CallRecord, Run } from "../../rules/records.ts";
import type { PlannedCall } from "../plan.ts";
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
}
