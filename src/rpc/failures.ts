/**
 * The sentences in which a call fails on its way, in one place: each says what
 * happened and why; the command line adds what to do.
 *
 * @module
 */
import { RpcError } from "./errors.ts";
import { formatMs } from "./limits.ts";
import type { PendingCall } from "./calling/pending.ts";
import type { QueueInfo } from "./transport.ts";

/** Whether waiting may help: the broker or the queue is not there. */
export function isAbsence(error: unknown): boolean {
  return error instanceof RpcError && !error.remote && !error.maybeExecuted &&
    (error.reason === "no_queue" || error.reason === "broker_unreachable" ||
      error.reason === "no_consumer");
}

/** The error for a queue that is missing or that nobody consumes. */
export function absenceOf(
  queue: string,
  info: QueueInfo | undefined,
  vhost: string,
  maybeExecuted = false,
): RpcError | undefined {
  if (info === undefined) return noQueue(queue, vhost, "", maybeExecuted);
  if (info.consumers > 0) return undefined;
  return new RpcError(
    "unavailable",
    `queue "${queue}" exists but no server is consuming it ` +
      `(${requests(info.messages)} waiting)`,
    {
      reason: "no_consumer",
      maybeExecuted,
      members: { messages: info.messages },
    },
  );
}

/** `1 request`, `2 requests`. */
export function requests(count: number): string {
  return count === 1 ? "1 request" : `${count} requests`;
}

export function noQueue(
  queue: string,
  vhost: string,
  why = "",
  maybeExecuted = false,
): RpcError {
  return new RpcError(
    "unavailable",
    `no queue "${queue}" on vhost "${vhost}"${why}`,
    { reason: "no_queue", maybeExecuted },
  );
}

export function timeoutError(call: PendingCall): RpcError {
  const within = formatMs(call.timeoutMs);
  return new RpcError(
    "deadline_exceeded",
    call.sent
      ? `no reply from "${call.queue}" within ${within}; ` +
        "the request may still have run"
      : `no connection to a broker within ${within}; the request was not sent`,
    { maybeExecuted: call.sent },
  );
}

/** A request whose confirm never came may have run all the same. */
export function publishError(thrown: unknown): RpcError {
  const error = RpcError.from(thrown);
  return error.reason === "connection_lost"
    ? connectionLost(error, true)
    : error;
}

export function connectionLost(
  cause: unknown,
  maybeExecuted = false,
): RpcError {
  // The broker closed the channel for a lack of rights: no loss, but a no.
  if (cause instanceof RpcError && cause.reason === "refused") return cause;
  return new RpcError(
    "unavailable",
    "the connection to the broker was lost before the reply came" +
      (maybeExecuted ? "; the request may have run" : ""),
    { reason: "connection_lost", maybeExecuted, cause },
  );
}

/** The same failure, of a call of which an earlier attempt may have run. */
export function maybeExecutedBefore(error: RpcError): RpcError {
  if (error.maybeExecuted) return error;
  const { code, message, reason, members } = error;
  return new RpcError(code, message, {
    reason,
    members,
    maybeExecuted: true,
    cause: error,
  });
}

export function canceledError(
  signal: AbortSignal,
  maybeExecuted: boolean,
): RpcError {
  return new RpcError("canceled", "the call was canceled", {
    maybeExecuted,
    cause: signal.reason,
  });
}

/** What ends the other attempts of a call that is over; nobody sees it. */
export function overtaken(): RpcError {
  return new RpcError("canceled", "another attempt has ended the call");
}

export function closedError(): RpcError {
  return new RpcError("canceled", "the client is closed", { reason: "closed" });
}
