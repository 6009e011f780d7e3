/**
 * The messages of calls that fail on their way. Each says what happened and
 * why; the command line adds what to do.
 *
 * @module
 */
import { failure, remedyOf, RpcError } from "../errors.ts";
import { counted, formatMs } from "../texts.ts";
import type { BrokerConnection, QueueInfo } from "../transport.ts";

/** Whether waiting may help: the broker or the queue is missing. */
export function isAbsence(error: RpcError): boolean {
  const remedy = remedyOf(error);
  return !error.maybeExecuted && (remedy === "wait" || remedy === "resend");
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
  return failure(
    "no_consumer",
    `queue "${queue}" exists but no server is consuming it ` +
      `(${counted(info.messages, "request")} waiting)`,
    { maybeExecuted, details: { messages: info.messages } },
  );
}

/** Whether the broker answers, but does not tell this user about a queue. */
export function isUntold(error: unknown): error is RpcError {
  return error instanceof RpcError &&
    (error.reason === "refused" || error.reason === "locked");
}

/**
 * The error for a call with `requireConsumer`, if the broker does not say
 * whether there is a server.
 */
export function unknownServer(queue: string, error: unknown): unknown {
  // That it is exclusive to another connection says all there is to know.
  if (!isUntold(error) || error.reason === "locked") return error;
  return new RpcError(
    error.code,
    `cannot find out whether "${queue}" has a server: ${error.message}`,
    { reason: error.reason, cause: error },
  );
}

export function noQueue(
  queue: string,
  vhost: string,
  why = "",
  maybeExecuted = false,
): RpcError {
  return failure("no_queue", `no queue "${queue}" on vhost "${vhost}"${why}`, {
    maybeExecuted,
  });
}

/** What is known of why a call got no reply in time. */
export interface TimeoutCause {
  /** Why the connection takes nothing now. */
  obstacle?: string | undefined;
  /** Why the broker does not say whether there is a server. */
  untold?: RpcError | undefined;
}

/** A call whose time is up. */
export function inspectionTimeout(
  queue: string,
  timeoutMs: number,
  connection: Obstructed | undefined,
): RpcError {
  const what = `the broker has not answered about queue "${queue}"`;
  return noAnswer(what, timeoutMs, connection);
}

/** No round trip within this time; the connection if there is one. */
export function rttTimeout(
  timeoutMs: number,
  connection: Obstructed | undefined,
): RpcError {
  return noAnswer("the broker has not answered", timeoutMs, connection);
}

type Obstructed = Pick<BrokerConnection, "obstacle">;

function noAnswer(
  what: string,
  timeoutMs: number,
  connection: Obstructed | undefined,
): RpcError {
  const obstacle = connection
    ? connection.obstacle
    : "no connection to a broker";
  const why = obstacle === undefined ? "" : `: ${obstacle}`;
  return new RpcError(
    "deadline_exceeded",
    `${what} within ${formatMs(timeoutMs)}${why}`,
    reasonOf(connection?.obstacle),
  );
}

/** A call whose time is up. */
export function timeoutError(
  call: { queue: string; timeoutMs: number; sent: boolean },
  { obstacle, untold }: TimeoutCause = {},
): RpcError {
  const within = formatMs(call.timeoutMs);
  const why = obstacle === undefined ? "" : `: ${obstacle}`;
  return new RpcError(
    "deadline_exceeded",
    call.sent
      ? `no reply from "${call.queue}" within ${within}${why}; ` +
        "the request may still have run" +
        (untold
          ? `. Whether it has a server is unknown: ${untold.message}`
          : "")
      : obstacle === undefined
      ? `no connection to a broker within ${within}; the request was not sent`
      : `the request could not be sent within ${within}: ${obstacle}`,
    { ...reasonOf(obstacle), maybeExecuted: call.sent },
  );
}

function reasonOf(obstacle: string | undefined): { reason?: "blocked" } {
  return obstacle === undefined ? {} : { reason: "blocked" };
}

/** The error if too many bytes wait already. */
export function overloaded(
  what: string,
  bytes: number,
  obstacle?: string,
): RpcError {
  const why = obstacle === undefined ? "" : `: ${obstacle}`;
  return failure(
    "overloaded",
    `${
      Math.ceil(bytes / 2 ** 20)
    }MiB of ${what} are already waiting to be sent${why}`,
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
  // A channel that was closed for a missing permission is a refusal, not a
  // loss.
  if (cause instanceof RpcError && cause.reason === "refused") return cause;
  return failure(
    "connection_lost",
    "the connection to the broker was lost before the reply came" +
      (maybeExecuted ? "; the request may have run" : ""),
    {
      maybeExecuted,
      details: cause instanceof RpcError ? cause.details : {},
      cause,
    },
  );
}

/** The same failure, of a call of which an earlier attempt may have run. */
export function maybeExecutedBefore(error: RpcError): RpcError {
  if (error.maybeExecuted) return error;
  const { code, message, reason, details } = error;
  return new RpcError(code, message, {
    reason,
    details,
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

export function clientClosed(): RpcError {
  return failure("closed", "the client is closed");
}
