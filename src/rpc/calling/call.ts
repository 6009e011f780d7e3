/**
 * A call as it was asked for, checked before anything is sent.
 *
 * @module
 */
import { nowMs } from "../../async/clock.ts";
import { durationMs, queueName } from "../limits.ts";
import { type MessageData, toBytes } from "../messages.ts";
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
  /** Whether the broker has to confirm each request, whatever is known. */
  readonly confirm: boolean;
  /** Those that may still wait, where the call may be made more than once. */
  readonly attempts: PendingCall[] | undefined;
  /** Where it may be made more than once. */
  readonly trial: Trial | undefined;
  /** Where a stream is asked for. */
  readonly stream?: StreamTarget;
  /** Where progress is asked for: the correlation id of its messages. */
  readonly progressId?: string;
}

/** What is asked for with a stream. */
export interface StreamTarget {
  readonly credit: Credit;
  /** When the whole is due, on the clock of `nowMs()`; Infinity where never. */
  readonly dueMs: number;
}

/**
 * The call that starts now.
 *
 * @throws {RangeError} where an option is out of its range.
 * @throws {TypeError} where something is of another type than it should be.
 */
export function newCall(
  queue: string,
  body: MessageData,
  given: CallOptions,
): Call {
  checkCallOptions(given);
  const options = given.within === undefined ? given : callWithin(given);
  const timeoutMs = durationMs(
    "timeoutMs",
    options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  );
  return {
    queue: queueName(queue),
    body: toBytes(body),
    options,
    timeoutMs,
    dueMs: nowMs() + timeoutMs,
    messageId: options.retries ? crypto.randomUUID() : undefined,
    confirm: needsConfirm(options),
    attempts: options.retries || options.wait ? [] : undefined,
    trial: options.retries ? new Trial() : undefined,
  };
}

/** What is sent again, or kept on disk, has to be known to have arrived. */
export function needsConfirm(options: CallOptions): boolean {
  const { confirm, persistent, retries, wait } = options;
  return Boolean(confirm || persistent || retries || wait);
}
