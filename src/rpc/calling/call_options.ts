/**
 * How one call is made.
 *
 * @module
 */
import { checkHeaders } from "../headers.ts";
import {
  checkFunction,
  checkOptions,
  checkText,
  durationMs,
  wholeNumber,
  wrongType,
} from "../limits.ts";
import type { MessageHeaders } from "../messages.ts";
import type { RpcContext } from "../procedure.ts";

/** How one call is made. */
export interface CallOptions {
  /**
   * The one deadline of the call, from now, in ms: connecting, publishing and
   * waiting for the reply are all within it.
   *
   * @default {30000}
   */
  timeoutMs?: number;
  /** Cancels the call: it fails with `canceled`. */
  signal?: AbortSignal;
  /** The method, if the server offers several. */
  type?: string;
  /** Headers of the request; `CC` and `BCC` are not among them. */
  headers?: MessageHeaders;
  /** MIME type of the body. */
  contentType?: string;
  /** Encoding of the body, `gzip` for example; the body is sent as it is. */
  contentEncoding?: string;
  /**
   * From 0 to 255. Waiting requests with a higher priority go first: in the
   * server, and in queues that were declared with the argument
   * `x-max-priority`. (Quorum queues of RabbitMQ 4 only tell those above 4 from
   * the others.)
   *
   * @default {0}
   */
  priority?: number;
  /**
   * Whether the broker keeps the request on disk, in a durable queue.
   *
   * @default {false}
   */
  persistent?: boolean;
  /**
   * Whether the broker confirms the request, so that the call fails at once if
   * the queue refuses it (because it is full, or has no leader). Without this
   * option, a request is confirmed with `persistent`, `retries` or `wait`,
   * until the queue has answered once over this connection, and for at least 30
   * seconds after a call to it was refused or ended without a reply. Confirmed
   * and unconfirmed requests may overtake each other.
   *
   * @default {false}
   */
  confirm?: boolean;
  /**
   * Whether to wait, within the time-out, for the broker and the queue to
   * appear instead of failing at once.
   *
   * @default {false}
   */
  wait?: boolean;
  /**
   * How often the request may be sent again when the connection is lost, or
   * when an attempt takes longer than `attemptTimeoutMs`. All attempts carry
   * the same `message_id`, by which a server recognizes them. Another server
   * may still run the procedure again, so it has to be idempotent. Attempts
   * that reached nobody (no broker, or one that refused the message) are
   * repeated without being counted, until the deadline.
   *
   * @default {0}
   */
  retries?: number;
  /**
   * With `retries`: send again after this time without a reply, in ms. The
   * reply to any of the attempts ends the call.
   *
   * @default {Infinity}
   */
  attemptTimeoutMs?: number;
  /**
   * Whether to fail at once when no server consumes the queue, at the cost of
   * one more round trip.
   *
   * @default {false}
   */
  requireConsumer?: boolean;
  /** Called before each attempt with its number, from 1. */
  onAttempt?: (attempt: number) => void;
  /**
   * Called with each value that the procedure gives to `context.progress()`; what
   * it throws is an uncaught error of the program. By convention an object with
   * `done`, `total` and `note`, of which each may be missing. Servers that know
   * nothing of it tell nothing.
   */
  onProgress?: (value: unknown) => void;
  /**
   * The context of the procedure that makes this call: the call ends by its
   * deadline and is canceled with it, and passes on the trace (the headers
   * `traceparent` and `tracestate`) of its request.
   */
  within?: RpcContext;
  /**
   * With `within`: the names of further headers that are passed on, if the
   * request has them and `headers` does not.
   *
   * @default {[]}
   */
  passHeaders?: readonly string[];
}

/**
 * Checks what does not depend on the call.
 *
 * @throws {RangeError} if a value is out of its range.
 * @throws {TypeError} if one has the wrong type.
 */
export function checkCallOptions(options: CallOptions): void {
  checkOptions(options);
  const { attemptTimeoutMs, headers, priority, retries, signal } = options;
  if (headers !== undefined) checkHeaders(headers);
  if (retries !== undefined) wholeNumber("retries", retries, 0);
  if (priority !== undefined) wholeNumber("priority", priority, 0, 255);
  if (signal !== undefined) checkSignal(signal);
  checkText("type", options.type);
  checkText("contentType", options.contentType);
  checkText("contentEncoding", options.contentEncoding);
  checkFunction("onAttempt", options.onAttempt);
  checkFunction("onProgress", options.onProgress);
  if (attemptTimeoutMs === undefined || attemptTimeoutMs === Infinity) return;
  durationMs("attemptTimeoutMs", attemptTimeoutMs);
}

/** Signals of polyfills and of other realms count as well. */
function checkSignal(signal: AbortSignal): void {
  const { aborted, addEventListener } = Object(signal);
  if (typeof aborted === "boolean" && typeof addEventListener === "function") {
    return;
  }
  throw wrongType("signal", "an AbortSignal", signal);
}

/** The default of {@linkcode CallOptions.timeoutMs}. */
export const DEFAULT_TIMEOUT_MS = 30_000;
