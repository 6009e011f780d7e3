/**
 * The TLS side of a connection: what can be set, checked before anything is
 * connected.
 *
 * @module
 */
import process from "node:process";
import { isIp } from "../ip.ts";
import { nodeShowsClientCertificates } from "../streams/deno.ts";

/** How to speak TLS, with `amqps://`. Certificates and keys are PEM. */
export interface TlsOptions {
  /**
   * Authorities to trust, such as a private one.
   *
   * @default those that Deno trusts (see DENO_TLS_CA_STORE)
   */
  caCert?: string | Uint8Array;
  /** The client's certificate and its chain; together with `key`. */
  cert?: string | Uint8Array;
  /** The private key of `cert`, not encrypted. */
  key?: string | Uint8Array;
  /**
   * The name that the broker's certificate must be for.
   *
   * @default the host of the URL
   */
  servername?: string;
  /**
   * Accepts any certificate. The connection is encrypted, but anybody may be at
   * its other end, and learn the password.
   *
   * @default {false}
   */
  insecure?: boolean;
}

/** {@linkcode TlsOptions}, checked, as text. */
export interface TlsSettings {
  /** Authorities to trust; those that Deno trusts if there are none. */
  readonly caCert?: string;
  /** For brokers that ask for one. */
  readonly client?: ClientCertificate;
  /** The name that the certificate must be for, if not the host. */
  readonly servername?: string;
  /** Whether any certificate is accepted. */
  readonly insecure: boolean;
}

/** A client's certificate and key. */
export interface ClientCertificate {
  /** The certificate and its chain, PEM. */
  readonly cert: string;
  /** The private key, PEM: it must not be shown. */
  readonly key: string;
}

/**
 * Checks the options. A TLS library may ignore what it can't read, and then
 * fail in the handshake with another message.
 *
 * @throws {RangeError} naming the option; keys are never shown.
 */
export function tlsSettings(options: TlsOptions = {}): TlsSettings {
  const { servername, insecure = false } = options;
  if (servername !== undefined && isIp(servername)) {
    throw new RangeError(
      `servername must be a name, got the address ${servername}`,
    );
  }
  const client = clientCertificate(options);
  if (client && (servername || insecure) && !nodeShowsClientCertificates()) {
    throw new RangeError(
      "servername and insecure can't be used together with cert on this " +
        "version of Deno; they can from Deno 2.5 on",
    );
  }
  const caCert = options.caCert === undefined
    ? undefined
    : certificates("caCert", options.caCert);
  return { caCert, client, servername, insecure };
}

function clientCertificate(
  { cert, key }: TlsOptions,
): ClientCertificate | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new RangeError("cert and key must be given together");
  }
  const pair = { cert: certificates("cert", cert), key: text(key) };
  if (publicKeyOf(pair.key) !== publicKeyInside(pair.cert)) {
    throw new RangeError("key must be the private key of cert, got another");
  }
  return pair;
}

/** Loaded only if there is a certificate: most connections have none. */
function nodeCrypto(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}

function certificates(option: string, pem: string | Uint8Array): string {
  const certificates = text(pem);
  try {
    new (nodeCrypto().X509Certificate)(certificates);
  } catch (cause) {
    throw new RangeError(`${option} must be a certificate in PEM format`, {
      cause,
    });
  }
  return certificates;
}

function publicKeyInside(cert: string): string | Uint8Array {
  const { X509Certificate } = nodeCrypto();
  return new X509Certificate(cert).publicKey
    .export({ type: "spki", format: "pem" });
}

function publicKeyOf(key: string): string | Uint8Array {
  const { createPrivateKey, createPublicKey } = nodeCrypto();
  try {
    return createPublicKey(createPrivateKey(key))
      .export({ type: "spki", format: "pem" });
  } catch {
    // No cause: it might quote the key.
    throw new RangeError(
      "key must be a private key in PEM format, not encrypted",
    );
  }
}

function text(pem: string | Uint8Array): string {
  return typeof pem === "string" ? pem : new TextDecoder().decode(pem);
}
