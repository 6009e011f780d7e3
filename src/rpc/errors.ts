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
 * Why a call failed on its way, where the code alone does not tell:
 *
 * - `no_queue`: the broker returned the request, no queue has that name
 * - `no_consumer`: the queue exists but no server consumes it
 * - `rejected`: the broker refused the message (a full queue, for example)
 * - `too_large`: the message is larger than the broker takes
 * - `overloaded`: too much waits to be sent to the broker already
 * - `blocked`: the time was up while the connection took nothing: the broker
 *   has blocked it, or nobody reads what is written to it
 * - `broker_unreachable`: no connection could be made
 * - `not_admitted`: the broker takes no connection for now, since a limit of
 *   connections is reached or the virtual host is down, or a token has expired
 * - `no_password`: what tells the password failed
 * - `login_too_large`: the broker did not answer a login (a token) of this size
 * - `connection_lost`: the connection, or a channel on it, was lost
 * - `refused`: the broker refused login, virtual host or permission
 * - `locked`: the queue is exclusive to another connection
 * - `undeclarable`: the broker declares no queue of this type and arguments
 * - `not_amqp`: what answers does not speak AMQP 0-9-1
 * - `tls`: the broker speaks TLS, and the URL says that it does not
 * - `not_tls`: the URL says that the broker speaks TLS, and it does not
 * - `untrusted`: the broker's certificate is not trusted
 * - `expired`: the broker's certificate is not valid any more, or not yet
 * - `wrong_host`: the broker's certificate is for another name
 * - `client_certificate`: the broker wants one, or another than it was shown
 * - `tls_refused`: no version or kind of TLS is spoken by both sides
 * - `closed`: the client, server or connection was closed by this program
 */
export type RpcErrorReason =
  | "no_queue"
  | "no_consumer"
  | "rejected"
  | "too_large"
  | "overloaded"
  | "blocked"
  | "broker_unreachable"
  | "not_admitted"
  | "no_password"
  | "login_too_large"
  | "connection_lost"
  | "refused"
  | "locked"
  | "undeclarable"
  | "not_amqp"
  | "tls"
  | "not_tls"
  | "untrusted"
  | "expired"
  | "wrong_host"
  | "client_certificate"
  | "tls_refused"
  | "closed";

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
  /** Further members of the error reply (RFC 9457 extension members). */
  members?: Record<string, unknown>;
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
  /** Why the call failed on its way, where the code does not tell. */
  readonly reason?: RpcErrorReason;
  /** Whether the procedure may have run although no reply came. */
  readonly maybeExecuted: boolean;
  /** Whether a server said so, in an error reply. */
  readonly remote: boolean;
  /** Further members of the error reply. */
  readonly members: Record<string, unknown>;

  /** An error with this code; the message is one sentence for people. */
  constructor(code: RpcCode, message: string, options: RpcErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.reason !== undefined) this.reason = options.reason;
    this.maybeExecuted = options.maybeExecuted ?? false;
    this.remote = options.remote ?? false;
    this.members = options.members ?? {};
  }

  /**
   * Any thrown value as an RpcError: itself where it is one, else `internal`
   * with the value's message. An abort becomes `canceled`, a `TimeoutError`
   * (as `AbortSignal.timeout()` throws) becomes `deadline_exceeded`, and what
   * the system is out of for the moment (open files, processes), `unavailable`.
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

/** Whether a string is one of the canonical codes. */
export function isRpcCode(value: unknown): value is RpcCode {
  return typeof value === "string" && Object.hasOwn(RPC_CODES, value);
}
