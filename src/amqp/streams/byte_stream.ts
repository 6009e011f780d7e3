/**
 * The port that a connection reads and writes: a stream of bytes, whatever
 * carries it.
 *
 * @module
 */

/** Bytes in both directions. One read and one write are under way at most. */
export interface ByteStream {
  /** Reads some bytes to the beginning of `into`; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes all of the bytes, which must not change meanwhile. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends both directions at once; what is under way may fail. */
  close(): void;
}

/** Where to connect to, and how. */
export interface Endpoint {
  /** A name or an address; an IPv6 address has no brackets. */
  readonly hostname: string;
  /** From 1 to 65535. */
  readonly port: number;
  /** For TLS; a plain stream if it is missing. */
  readonly tls?: EndpointTls;
}

/** How to speak TLS; certificates and keys are PEM. */
export interface EndpointTls {
  /** Authorities to trust; those of the system if there are none. */
  readonly caCert?: string;
  /** The client's certificate and key. */
  readonly client?: { readonly cert: string; readonly key: string };
  /** The name that the certificate must be for, if not the host. */
  readonly servername?: string;
  /** Whether any certificate is accepted. */
  readonly insecure: boolean;
}

/**
 * Connects, handshake of TLS included.
 *
 * @throws the system's error, or the signal's reason.
 */
export type Dial = (
  endpoint: Endpoint,
  signal: AbortSignal,
) => Promise<ByteStream>;
