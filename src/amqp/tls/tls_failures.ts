/**
 * What goes wrong in a TLS handshake, as an RpcError.
 *
 * @module
 */
import {
  failure,
  type RpcError,
  type RpcErrorReason,
} from "../../rpc/errors.ts";
import { type BrokerAddress, brokerName } from "../broker_address.ts";

/** How the TLS libraries of old and new versions of Deno report plain text. */
const NOT_TLS = /InvalidContentType|wrong version number/i;

/** A problem with the broker's certificate, in the words of rustls. */
const BAD_CERTIFICATE = /invalid peer certificate: (.*)/s;

/** Names of rustls, in words. */
const UNTRUSTED: Record<string, string> = {
  UnknownIssuer: "unknown issuer",
  BadSignature: "not signed by its issuer's key",
  Revoked: "revoked",
};

/** What the broker says as it ends a handshake, in the words of rustls. */
const ALERT = /received fatal alert: (\w+)/;

/** Both sides speak TLS, but share no version or cipher. */
const NOTHING_IN_COMMON =
  /HandshakeFailure|ProtocolVersion|InsufficientSecurity|peer is incompatible/;

/** Alerts about the certificate that we showed, in words. */
const CLIENT_CERTIFICATE_ALERTS: Record<string, string> = {
  BadCertificate: "it is not valid",
  UnsupportedCertificate: "its type is not supported",
  CertificateRevoked: "it was revoked",
  CertificateExpired: "it has expired",
  CertificateUnknown: "it is not acceptable",
  UnknownCA: "its issuer is unknown to the broker",
};

/** Whether this error alone says what is wrong with TLS. */
export function isTlsProblem(error: unknown): boolean {
  return error instanceof Error &&
    [NOT_TLS, BAD_CERTIFICATE, ALERT].some((it) => it.test(error.message));
}

/** Why TLS could not be set up; undefined if it is something else. */
export function tlsFailure(
  cause: unknown,
  broker: BrokerAddress,
): RpcError | undefined {
  if (!broker.tls || !(cause instanceof Error)) return undefined;
  const at = brokerName(broker);
  const { message } = cause;
  if (NOT_TLS.test(message)) {
    return failure(
      "not_tls",
      `${at} does not speak TLS, but the URL is amqps://`,
      { cause },
    );
  }
  const problem = BAD_CERTIFICATE.exec(message)?.[1];
  if (problem !== undefined) return badCertificate(problem, broker, cause);
  if (NOTHING_IN_COMMON.test(message)) {
    return failure("tls_incompatible", `TLS with ${at} failed (${message})`, {
      cause,
    });
  }
  const refusal = clientCertificateRefusal(ALERT.exec(message)?.[1] ?? "");
  return refusal === undefined
    ? undefined
    : failure("client_certificate", `${at} ${refusal}`, { cause });
}

function badCertificate(
  problem: string,
  { hostname }: BrokerAddress,
  cause: Error,
): RpcError {
  const its = `the certificate of "${hostname}"`;
  const failed = (message: string, reason: RpcErrorReason) =>
    failure(reason, `${its} ${message}`, { cause });
  if (problem.startsWith("certificate not valid for name")) {
    return failed(otherNames(problem), "wrong_host");
  }
  if (/^certificate expired|^Expired/.test(problem)) {
    return failed("has expired", "certificate_expired");
  }
  if (/^certificate not valid yet|^NotValidYet/.test(problem)) {
    return failed("is not valid yet", "certificate_expired");
  }
  return failed(
    `is not trusted (${UNTRUSTED[problem] ?? problem})`,
    "untrusted",
  );
}

/** rustls lists them as DnsName("a.b") and IpAddress(1.2.3.4). */
function otherNames(problem: string): string {
  const expected = /not valid for name "([^"]*)"/.exec(problem)?.[1];
  const listed = problem.matchAll(/DnsName\("([^"]*)"\)|IpAddress\(([^)]*)/g);
  const names = [...listed].map(([, name, address]) => name ?? address);
  const whose = names.length > 0 ? names.join(" or ") : "no name at all";
  return `is for ${whose}, not for ${expected ?? "it"}`;
}

function clientCertificateRefusal(alert: string): string | undefined {
  if (alert === "CertificateRequired") return "asks for a client certificate";
  const why = CLIENT_CERTIFICATE_ALERTS[alert];
  return why && `refused the client certificate (${why})`;
}
