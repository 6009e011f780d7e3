/**
 * The one error class of rabbit-rpc, with a closed set of codes.
 *
 * @module
 */

/**
 * The canonical codes, as gRPC and Connect use them, with the title that an
 * error reply carries beside each.
 */
export const RPC_CODES = {
  canceled: "The call was canceled",
  unknown: "Unknown error",
  invalid_argument: "Invalid argument",
  deadline_exceeded: "Deadline exceeded",
  not_found: "Not found",
  already_exists: "Already exists",
  permission_denied: "Permission denied",
  resource_exhausted: "Resource exhausted",
  failed_precondition: "Failed precondition",
  aborted: "Aborted",
  out_of_range: "Out of range",
  unimplemented: "Unimplemented",
  internal: "Internal error",
  unavailable: "Unavailable",
  data_loss: "Data loss",
  unauthenticated: "Unauthenticated",
} as const;

/** One of the canonical codes: the keys of {@linkcode RPC_CODES}. */
export type RpcCode = keyof typeof RPC_CODES;

/**
 * What may mend a failure, and so who tries again:
 *
 * - `none`: no waiting mends it; a server ends
 * - `time`: it may pass by itself; a server tries again, a call fails
 * - `wait`: the queue or a server may appear; calls with `wait` try again
 * - `resend`: the request reached nobody; calls with `wait` or `retries` send
 *   it again, which is not counted as a retry
 * - `retry`: the request may have run; calls with `retries` send it again
 */
export type Remedy = "none" | "time" | "wait" | "resend" | "retry";

/**
 * Why a call, a connection or a server failed, if the code alone does not say;
 * with the usual code. Client, server and command line all decide by this
 * table.
 */
export const REASONS = {
  /** The broker returned the request: no queue has that name. */
  no_queue: { code: "unavailable", remedy: "wait" },
  /** The queue exists, but no server consumes it. */
  no_consumer: { code: "unavailable", remedy: "wait" },
  /** The broker refused the message: the queue is full, for example. */
  rejected: { code: "resource_exhausted", remedy: "resend" },
  /** The message is larger than the broker accepts. */
  too_large: { code: "resource_exhausted", remedy: "none" },
  /** Too much waits to be sent already. */
  overloaded: { code: "resource_exhausted", remedy: "time" },
  /** The deadline passed while the broker read nothing from the connection. */
  blocked: { code: "deadline_exceeded", remedy: "time" },
  /** No connection could be made. */
  broker_unreachable: { code: "unavailable", remedy: "resend" },
  /**
   * The broker accepts no connection or channel for now: a limit is reached,
   * the virtual host is down, or a token has expired.
   */
  not_admitted: { code: "unavailable", remedy: "resend" },
  /** The function that returns the password failed. */
  no_password: { code: "unavailable", remedy: "resend" },
  /** The broker did not answer a login (a token) of this size. */
  login_too_large: { code: "resource_exhausted", remedy: "none" },
  /** The connection, or a channel on it, was lost. */
  connection_lost: { code: "unavailable", remedy: "retry" },
  /** The broker refused login, virtual host or permission. */
  refused: { code: "permission_denied", remedy: "none" },
  /** The queue is exclusive to another connection or consumer. */
  locked: { code: "failed_precondition", remedy: "time" },
  /** The broker declares no queue of this type with these arguments. */
  undeclarable: { code: "invalid_argument", remedy: "none" },
  /** What answers does not speak AMQP 0-9-1. */
  not_amqp: { code: "unavailable", remedy: "none" },
  /** The broker speaks TLS, but the URL is `amqp://`. */
  tls_required: { code: "unavailable", remedy: "none" },
  /** The URL is `amqps://`, but the broker does not speak TLS. */
  not_tls: { code: "unavailable", remedy: "none" },
  /** Both sides speak TLS, but no version or cipher that the other accepts. */
  tls_incompatible: { code: "unavailable", remedy: "none" },
  /** The broker's certificate is not trusted. */
  untrusted: { code: "unavailable", remedy: "none" },
  /** The broker's certificate has expired, or is not valid yet. */
  certificate_expired: { code: "unavailable", remedy: "none" },
  /** The broker's certificate is for another name. */
  wrong_host: { code: "unavailable", remedy: "none" },
  /** The broker asks for a client certificate, or for another one. */
  client_certificate: { code: "unauthenticated", remedy: "none" },
  /** This program closed the client, the server or the connection. */
  closed: { code: "canceled", remedy: "none" },
} as const satisfies Record<string, { code: RpcCode; remedy: Remedy }>;

/** Why something failed: the keys of {@linkcode REASONS}. */
export type RpcErrorReason = keyof typeof REASONS;

/** What an {@linkcode RpcError} can carry beside code and message. */
export interface RpcErrorOptions {
  /** Why a call failed on its way. */
  reason?: RpcErrorReason;
  /**
   * Whether the procedure may have run although no reply came.
   *
   * @default {false}
   */
  maybeExecuted?: boolean;
  /**
   * Whether a server said so, in an error reply.
   *
   * @default {false}
   */
  remote?: boolean;
  /** What an error reply says besides: the extension members of RFC 9457. */
  details?: Record<string, unknown>;
  /** The error that led to this one. */
  cause?: unknown;
}

/**
 * Every failure of a call, on either side. A procedure that throws one sends
 * its code and message to the caller.
 *
 * @example Tell errors apart by code
 * ```ts
 * import { RpcError } from "@rabbit-rpc/rabbit-rpc";
 * import assert from "node:assert/strict";
 *
 * const error = new RpcError("invalid_argument", "want a whole number");
 * assert.equal(error.code, "invalid_argument");
 * assert.equal(error.message, "want a whole number");
 * assert.equal(RpcError.from(new TypeError("x is undefined")).code, "internal");
 * ```
 */
export class RpcError extends Error {
  /** `"RpcError"`. */
  override readonly name = "RpcError";
  /** What kind of failure it was. */
  readonly code: RpcCode;
  /** Why the call failed on its way, if the code does not say. */
  readonly reason?: RpcErrorReason;
  /** Whether the procedure may have run although no reply came. */
  readonly maybeExecuted: boolean;
  /** Whether a server said so, in an error reply. */
  readonly remote: boolean;
  /** What an error reply says besides; empty if there is nothing. */
  readonly details: Record<string, unknown>;

  /** An error with this code; the message is one sentence for people. */
  constructor(code: RpcCode, message: string, options: RpcErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.reason !== undefined) this.reason = options.reason;
    this.maybeExecuted = options.maybeExecuted ?? false;
    this.remote = options.remote ?? false;
    this.details = options.details ?? {};
  }

  /**
   * Any thrown value as an RpcError: itself if it is one, else `internal` with
   * the value's message. An abort becomes `canceled`, a `TimeoutError` (as
   * `AbortSignal.timeout()` throws) becomes `deadline_exceeded`, and a
   * temporary lack of open files or processes becomes `unavailable`.
   */
  static from(thrown: unknown): RpcError {
    if (thrown instanceof RpcError) return thrown;
    if (!(thrown instanceof Error)) {
      return new RpcError("internal", describe(thrown), { cause: thrown });
    }
    const message = describe(thrown.message) || describe(thrown.name);
    return new RpcError(codeOf(thrown), message, { cause: thrown });
  }
}

/** The system's errors that pass: no file, process or memory is left. */
const EXHAUSTED = new Set<unknown>(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]);

function codeOf(thrown: Error): RpcCode {
  if (thrown.name === "AbortError") return "canceled";
  if (thrown.name === "TimeoutError") return "deadline_exceeded";
  const { code } = thrown as { code?: unknown };
  return EXHAUSTED.has(code) ? "unavailable" : "internal";
}

/** Not every object can be made a string: one without a prototype can't. */
function describe(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** What may mend an error; undefined for a remote one, or without a reason. */
export function remedyOf(error: unknown): Remedy | undefined {
  if (!(error instanceof RpcError) || error.remote) return undefined;
  return error.reason && REASONS[error.reason].remedy;
}

/** An error for this reason, with its usual code unless another is given. */
export function failure(
  reason: RpcErrorReason,
  message: string,
  options: Omit<RpcErrorOptions, "reason"> & { code?: RpcCode } = {},
): RpcError {
  const { code = REASONS[reason].code, ...rest } = options;
  return new RpcError(code, message, { ...rest, reason });
}

/** An operator or a stopping node closed it: no message is to blame. */
const CONNECTION_FORCED = 320;

/**
 * Whether the broker itself closed the connection or channel, as it does for a
 * message that it can't handle.
 */
export function closedByBroker({ reason, details }: RpcError): boolean {
  const { reply_code: replyCode } = details;
  return reason === "connection_lost" && typeof replyCode === "number" &&
    replyCode !== CONNECTION_FORCED;
}

/** Whether a string is one of the canonical codes. */
export function isRpcCode(value: unknown): value is RpcCode {
  return typeof value === "string" && Object.hasOwn(RPC_CODES, value);
}
