/**
 * What to do about a failed call, in one line: the library says what happened
 * and why, the command line knows its own flags.
 *
 * @module
 */
import type { RpcCode, RpcError, RpcErrorReason } from "../rpc/errors.ts";
import { formatMs } from "../rpc/texts.ts";

/** What the advice is about. */
export interface CallSubject {
  queue: string;
  timeoutMs: number;
  /**
   * The flag that sets this time.
   *
   * @default {"-t"}
   */
  timeoutFlag?: string;
  /** Whether items of a second run might be skipped. */
  canSkip?: boolean;
}

type Advice = (subject: CallSubject) => string | undefined;

/** What there is to say for each reason; this program closed by itself. */
const ADVICE: Record<RpcErrorReason, Advice | undefined> = {
  closed: undefined,
  no_queue: ({ queue }) =>
    `Start a server with "rabbit-rpc server ${queue} ...", or use --wait.`,
  no_consumer: () => "Start a server, or use --wait.",
  broker_unreachable: () =>
    'Is one running? Try "rabbit-rpc broker", or set --url.',
  not_admitted: () => "Wait, or check the broker's limits and its log.",
  no_password: () => "Check --password-file.",
  login_too_large: () =>
    "Raise initial_frame_max in rabbitmq.conf, or use a shorter token.",
  refused: () =>
    "Check --password-file and the user's permissions on the vhost.",
  locked: () => "Wait for that connection to end, or choose another name.",
  undeclarable: () => "Check --queue-type, --queue-arg and --dead-letter.",
  connection_lost: () => "Check the broker's log, then try again.",
  rejected: () => "Let its servers catch up, then try again.",
  overloaded: () => "Send less at once, or wait until the broker catches up.",
  blocked: () =>
    "Check the broker's memory and disk, and the network, then try again.",
  too_large: () => "Send less, or raise max_message_size on the broker.",
  tls_required: () => "Use amqps://.",
  not_tls: () => "Use amqp://.",
  untrusted: () => "Pass --cacert FILE.",
  certificate_expired: () => "Renew it, or correct the clock.",
  wrong_host: () =>
    "Use a name from the certificate: in the URL, or --servername.",
  client_certificate: () =>
    "Pass --cert FILE and --key FILE, from an issuer that the broker trusts.",
  tls_incompatible: () =>
    "Check the broker's log, and which versions of TLS it speaks.",
  not_amqp: () => "Check host and port of --url.",
};

const longerTimeout: Advice = ({ queue, timeoutMs, timeoutFlag = "-t" }) =>
  `Use ${timeoutFlag} ${formatMs(timeoutMs * 4)}, or look with ` +
  `"rabbit-rpc status ${queue}".`;

/** For errors of this side that have no reason. */
const WITHOUT_REASON: Partial<Record<RpcCode, Advice>> = {
  deadline_exceeded: longerTimeout,
  // A stream of which another server began from the start.
  aborted: ({ canSkip }) =>
    canSkip ? "Use --restart skip if it repeats the same items." : undefined,
};

/** One line for stderr, the program's name aside. */
export function sentence(error: RpcError, subject: CallSubject): string {
  if (error.remote) return `procedure failed: ${error.code}: ${error.message}.`;
  const advice = error.reason
    ? ADVICE[error.reason]
    : WITHOUT_REASON[error.code];
  const full = `${error.message}.`;
  const advised = advice?.(subject);
  return advised === undefined ? full : `${full} ${advised}`;
}
