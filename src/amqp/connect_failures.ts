/**
 * Why no connection could be made, as an RpcError.
 *
 * @module
 */
import { REPLY_CODES } from "../amqp091/errors.ts";
import { failure, RpcError } from "../rpc/errors.ts";
import { formatMs } from "../rpc/texts.ts";
import { type BrokerAddress, brokerName } from "./broker_address.ts";
import { replyCodeOf } from "./closed_by_broker.ts";
import type { BrokerSettings } from "./options.ts";
import { NotAmqpError } from "./protocol_check.ts";
import { tlsFailure } from "./tls/tls_failures.ts";

const { ACCESS_REFUSED, INTERNAL_ERROR, NOT_ALLOWED } = REPLY_CODES;
/** A text that is cut off may have meant anything. */
const CUT_OFF = /\.\.\. \(\d{3}\)$/;
/** Connection limits of the node, of the virtual host and of the user. */
const LIMIT_REACHED = /connection limit \(\d+\) is reached \(530\)$/;
const LIMIT_UNKNOWN = /connection limit cannot be queried, timeout \(530\)$/;
/** An HTTP or LDAP server that the broker asks, for example. */
const BACKEND_AWAY = /, backend \S+ returned an error: /;
const VHOST_DOWN = /is down \(541\)$/;
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

/** What Deno says about a name without an address. */
const LOOKUP_FAILED = /^failed to lookup address information: /;
const LATER = /temporary failure/i;

/**
 * Why no connection could be made.
 *
 * @param tooLarge what the broker may have disliked about the login, if it
 * says nothing itself
 */
export function connectFailure(
  cause: unknown,
  broker: BrokerSettings,
  tooLarge?: string,
): RpcError {
  const at = brokerName(broker);
  if (cause instanceof RpcError) return cause;
  if (cause instanceof NotAmqpError) return notAmqp(cause, at);
  const message = cause instanceof Error ? cause.message : String(cause);
  const replyCode = replyCodeOf(cause);
  const closed = replyCode === undefined
    ? undefined
    : refusal(message, replyCode, broker, cause);
  if (closed) return closed;
  if (tooLarge && replyCode === undefined) {
    return failure(
      "login_too_large",
      `${at} did not answer the login: ${tooLarge}`,
      { cause },
    );
  }
  const tls = tlsFailure(cause, broker);
  if (tls) return tls;
  const why = isTimeout(cause)
    ? `no answer within ${formatMs(broker.connectTimeoutMs)}`
    : networkError(cause) ?? message;
  return failure(
    "broker_unreachable",
    `cannot reach a broker at ${at} (${why})`,
    { cause },
  );
}

/** What the broker said as it closed the connection, if that tells why. */
function refusal(
  message: string,
  replyCode: number,
  broker: BrokerAddress,
  cause: unknown,
): RpcError | undefined {
  if (isPassing(message, replyCode)) {
    const why = message.replace(/^connection closed: /, "");
    const code = LIMIT_REACHED.test(message)
      ? "resource_exhausted"
      : "unavailable";
    return failure(
      "not_admitted",
      `${brokerName(broker)} accepts no connection for now: ${why}`,
      { code, cause },
    );
  }
  if (replyCode !== ACCESS_REFUSED && replyCode !== NOT_ALLOWED) return;
  const { mechanism, username, vhost } = broker;
  const who = mechanism === "EXTERNAL"
    ? "the client certificate"
    : `user "${username}"`;
  const code = replyCode === ACCESS_REFUSED
    ? "unauthenticated"
    : "permission_denied";
  return failure(
    "refused",
    `login refused for ${who} on vhost "${vhost}" (${replyCode})`,
    { code, cause },
  );
}

/**
 * RabbitMQ answers 530 both to users who may not connect and to those who may
 * not now.
 */
function isPassing(message: string, replyCode: number): boolean {
  if (replyCode === INTERNAL_ERROR) return VHOST_DOWN.test(message);
  if (replyCode !== NOT_ALLOWED) return false;
  return [LIMIT_REACHED, LIMIT_UNKNOWN, BACKEND_AWAY, CUT_OFF]
    .some((it) => it.test(message));
}

/** Why there is no password to log in with. */
export function passwordFailure(
  cause: unknown,
  broker: BrokerSettings,
): RpcError {
  const why = isTimeout(cause)
    ? `it took more than ${formatMs(broker.connectTimeoutMs)}`
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return failure("no_password", `cannot get the password (${why})`, {
    cause,
  });
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof Error && cause.name === "TimeoutError";
}

function networkError(cause: unknown): string | undefined {
  const { code, message } = Object(cause) as Record<string, unknown>;
  if (typeof message === "string" && LOOKUP_FAILED.test(message)) {
    return NETWORK_ERRORS[LATER.test(message) ? "EAI_AGAIN" : "ENOTFOUND"];
  }
  return typeof code === "string" ? NETWORK_ERRORS[code] : undefined;
}

/** A TLS record is an alert (21) or a handshake (22), then version 3. */
function notAmqp(cause: NotAmqpError, at: string): RpcError {
  const [type, version] = cause.firstBytes;
  if ((type === 21 || type === 22) && version === 3) {
    return failure("tls_required", `${at} speaks TLS, but the URL is amqp://`, {
      cause,
    });
  }
  return failure("not_amqp", `${at} does not speak AMQP 0-9-1`, {
    cause,
  });
}
