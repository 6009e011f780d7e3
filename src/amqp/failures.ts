/**
 * What goes wrong with a broker, as an RpcError: the code tells the kind, the
 * reason what to do about it.
 *
 * @module
 */
import { RpcError } from "../rpc/errors.ts";
import { formatMs } from "../rpc/limits.ts";
import { type BrokerAddress, brokerName } from "./options.ts";
import { tlsFailure } from "./tls/tls_failures.ts";

/** 403, 530: the login or the virtual host was refused. */
const REFUSED_CODES = new Set([403, 530]);

/** The system's errors, in words. */
const NETWORK_ERRORS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network unreachable",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "host lookup failed",
  ETIMEDOUT: "timed out",
};

/** The bytes that came instead of AMQP. */
export class NotAmqpError extends Error {
  /** What was read first. */
  readonly firstBytes: Uint8Array;

  /** Made where the first read is no AMQP frame. */
  constructor(firstBytes: Uint8Array) {
    super("the first bytes are no AMQP 0-9-1 frame");
    this.firstBytes = firstBytes;
  }
}

/** Why no connection could be made. */
export function connectFailure(
  cause: unknown,
  broker: BrokerAddress,
  connectTimeoutMs: number,
): RpcError {
  const at = brokerName(broker);
  if (cause instanceof NotAmqpError) return notAmqp(cause, at);
  const message = cause instanceof Error ? cause.message : String(cause);
  const replyCode = replyCodeOf(message);
  if (replyCode !== undefined && REFUSED_CODES.has(replyCode)) {
    const { username, vhost } = broker;
    return new RpcError(
      replyCode === 403 ? "unauthenticated" : "permission_denied",
      `login refused for user "${username}" on vhost "${vhost}" (${replyCode})`,
      { reason: "refused", cause },
    );
  }
  const tls = tlsFailure(cause, broker);
  if (tls) return tls;
  const why = isTimeout(cause)
    ? `no answer within ${formatMs(connectTimeoutMs)}`
    : networkError(cause) ?? message;
  return new RpcError(
    "unavailable",
    `cannot reach a broker at ${at} (${why})`,
    { reason: "broker_unreachable", cause },
  );
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof Error && cause.name === "TimeoutError";
}

function networkError(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? NETWORK_ERRORS[code] : undefined;
}

/** A TLS record is an alert (21) or a handshake (22), then version 3. */
function notAmqp(cause: NotAmqpError, at: string): RpcError {
  const [type, version] = cause.firstBytes;
  if ((type === 21 || type === 22) && version === 3) {
    return new RpcError(
      "unavailable",
      `${at} speaks TLS, but the URL is amqp://`,
      { reason: "tls", cause },
    );
  }
  return new RpcError("unavailable", `${at} does not speak AMQP 0-9-1`, {
    reason: "not_amqp",
    cause,
  });
}

/** The reply code that the library puts at the end of its messages. */
export function replyCodeOf(message: string): number | undefined {
  const match = /\((\d{3})\)$/.exec(message);
  return match ? Number(match[1]) : undefined;
}

/** Why an operation on a channel failed. */
export function channelFailure(cause: unknown): RpcError {
  if (cause instanceof RpcError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const replyCode = replyCodeOf(message);
  if (replyCode === 403) {
    return new RpcError("permission_denied", message, {
      reason: "refused",
      cause,
    });
  }
  if (replyCode === 405) {
    const queue = /queue '(.*?)' in vhost/.exec(message)?.[1] ?? "";
    return new RpcError(
      "failed_precondition",
      `queue "${queue}" is exclusive to another connection (405)`,
      { reason: "locked", cause },
    );
  }
  return new RpcError("unavailable", `the broker ended it: ${message}`, {
    reason: "connection_lost",
    cause,
  });
}

/** A nack: the broker did not take the message. */
export function rejected(): RpcError {
  return new RpcError(
    "resource_exhausted",
    "the broker refused the message; the queue may be full",
    { reason: "rejected" },
  );
}

/** What could not even be encoded. */
export function unsendable(cause: unknown): RpcError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new RpcError(
    "invalid_argument",
    `the message can't be sent: ${message}`,
    { cause },
  );
}
