/**
 * Exit statuses, and which failure ends in which.
 *
 * @module
 */
import type { RpcCode, RpcError, RpcErrorReason } from "../rpc/errors.ts";

/** The exit statuses of the program. */
export const EXIT = {
  ok: 0,
  /** The procedure answered with an error. */
  procedureFailed: 1,
  /** Some of a batch failed. */
  partly: 3,
  /** Wrong usage (EX_USAGE). */
  usage: 64,
  /** Input that is not what it should be (EX_DATAERR). */
  badInput: 65,
  /** A file that can't be read (EX_NOINPUT). */
  unreadable: 66,
  /** No server for the queue (EX_UNAVAILABLE). */
  noServer: 69,
  /** A bug in this program (EX_SOFTWARE). */
  bug: 70,
  /** stdout or stdin can't be written or read (EX_IOERR). */
  io: 74,
  /** Broker unreachable or connection lost (EX_TEMPFAIL). */
  broker: 75,
  /** Not AMQP, or no TLS that both sides agree to (EX_PROTOCOL). */
  protocol: 76,
  /** Login, virtual host or permission refused (EX_NOPERM). */
  refused: 77,
  /** The caller's deadline passed, as timeout(1) has it. */
  timedOut: 124,
  /** A command that can't be run, as a shell has it. */
  commandNotRun: 126,
  /** No such command to run, as a shell has it. */
  commandNotFound: 127,
  interrupted: 130,
  terminated: 143,
} as const;

const BY_REASON: Record<RpcErrorReason, number> = {
  no_queue: EXIT.noServer,
  no_consumer: EXIT.noServer,
  broker_unreachable: EXIT.broker,
  not_admitted: EXIT.broker,
  no_password: EXIT.unreadable,
  login_too_large: EXIT.refused,
  connection_lost: EXIT.broker,
  rejected: EXIT.broker,
  overloaded: EXIT.broker,
  blocked: EXIT.timedOut,
  too_large: EXIT.badInput,
  refused: EXIT.refused,
  locked: EXIT.refused,
  undeclarable: EXIT.usage,
  not_amqp: EXIT.protocol,
  tls_required: EXIT.protocol,
  not_tls: EXIT.protocol,
  untrusted: EXIT.protocol,
  certificate_expired: EXIT.protocol,
  wrong_host: EXIT.protocol,
  tls_incompatible: EXIT.protocol,
  client_certificate: EXIT.refused,
  closed: EXIT.interrupted,
};

/** For errors of this side that have no reason. */
const BY_CODE: Partial<Record<RpcCode, number>> = {
  invalid_argument: EXIT.badInput,
  // A stream whose server is gone, or was run again, or has lost items.
  unavailable: EXIT.broker,
  aborted: EXIT.broker,
  data_loss: EXIT.broker,
};

/** The exit status for a failed call. */
export function exitStatusOf(error: RpcError): number {
  // Whichever side noticed first: the caller's time is up.
  if (error.code === "deadline_exceeded") return EXIT.timedOut;
  if (error.remote) return EXIT.procedureFailed;
  if (error.code === "canceled") return EXIT.interrupted;
  if (error.reason) return BY_REASON[error.reason];
  return BY_CODE[error.code] ?? EXIT.bug;
}

/** A failure with a sentence for people and a status for scripts. */
export class CliError extends Error {
  /** The exit status. */
  readonly status: number;

  /** The message goes to stderr as it is; the cause with `--verbose`. */
  constructor(status: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}
