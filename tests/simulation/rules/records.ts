// What the books hold.

import type { PlannedCall } from "../plan.ts";
import type { RpcContext, RpcRequest } from "../product.ts";

/** A server that was told to stop. */
export interface DrainingServer {
  readonly name: string;
  readonly queue: string;
  readonly inHand: number;
  /** Deliveries that the broker waits for. */
  readonly unsettled: number;
}

/** How a call ended. */
export type End =
  | { readonly type: "answer"; readonly isRight: boolean }
  | { readonly type: "error"; readonly error: unknown };

/** A call, as far as it has come. */
export interface CallRecord {
  readonly planned: PlannedCall;
  readonly client: string;
  readonly startMs: number;
  endMs?: number;
  end?: End;
  /** Its client has crashed. */
  isForgotten: boolean;
  readonly runs: Run[];
  /** How often it was delivered to a server. */
  deliveries: number;
  /** Requests that were sent. */
  attempts: number;
}

/** What a server says of a run as it begins. */
export interface Beginning {
  readonly server: string;
  /** Which life of the server. */
  readonly life: number;
  readonly isStopping: boolean;
  readonly concurrency: number;
  readonly request: RpcRequest;
  readonly context: RpcContext;
}

/** One run of a procedure. */
export interface Run {
  readonly call: number;
  readonly server: string;
  readonly life: number;
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  readonly startMs: number;
  readonly deadlineMs: number;
  /** It has its result. */
  isDone: boolean;
  /** Its signal was aborted. */
  isCalledOff: boolean;
  /** Its reply was lost with a connection, so that the request comes again. */
  isUnanswered: boolean;
}
