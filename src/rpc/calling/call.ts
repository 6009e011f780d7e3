/**
 * A call as its caller asked for it, checked before anything is sent.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";
import { durationMs, queueName } from "../limits.ts";
import { toBytes } from "../messages.ts";
import type { RpcArgument } from "../procedure.ts";
import { isMessageData, outgoingCall } from "./argument.ts";
import {
  type CallOptions,
  checkCallOptions,
  DEFAULT_TIMEOUT_MS,
} from "./call_options.ts";
import type { PendingCall, PendingTarget } from "./pending.ts";
import { Trial } from "./trial.ts";
import type { Credit } from "../stream_wire.ts";
import { callWithin } from "./within.ts";

/** What all attempts of one call have in common. */
export interface Call extends PendingTarget {
  readonly body: Uint8Array;
  readonly options: CallOptions;
  readonly messageId: string | undefined;
  /**
   * Whether the broker has to confirm each request, even to a queue that
   * answers.
   */
  readonly confirm: boolean;
  /** Attempts that may still wait; undefined if there is only one. */
  readonly attempts: PendingCall[] | undefined;
  /** Defined if there may be several attempts. */
  readonly trial: Trial | undefined;
  /** Where a stream is asked for. */
  readonly stream?: StreamTarget;
  /** Where progress is asked for: the correlation id of its messages. */
  readonly progressId?: string;
}

/** What is asked for with a stream. */
export interface StreamTarget {
  readonly credit: Credit;
  /** When the whole is due, on the clock of `nowMs()`; Infinity if never. */
  readonly dueMs: number;
}

/**
 * The call that starts now.
 *
 * @throws {RangeError} if an option is out of its range.
 * @throws {TypeError} if an option has the wrong type, or JSON can't hold the
 * argument.
 */
export function newCall(
  queue: string,
  argument: RpcArgument,
  given: CallOptions,
): Call {
  if (!isMessageData(argument)) {
    const call = outgoingCall(queue, argument, given);
    return newCall(queue, call.body, call.options);
  }
  checkCallOptions(given);
  const options = given.within === undefined ? given : callWithin(given);
  const timeoutMs = durationMs(
    "timeoutMs",
    options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  );
  return {
    queue: queueName(queue),
    body: toBytes(argument),
    options,
    timeoutMs,
    dueMs: nowMs() + timeoutMs,
    messageId: options.retries ? crypto.randomUUID() : undefined,
    confirm: needsConfirm(options),
    attempts: options.retries || options.wait ? [] : undefined,
    trial: options.retries ? new Trial() : undefined,
  };
}

/**
 * A request that may be sent again, or is kept on disk, must be known to have
 * arrived.
 */
export function needsConfirm(options: CallOptions): boolean {
  const { confirm, persistent, retries, wait } = options;
  return Boolean(confirm || persistent || retries || wait);
}
