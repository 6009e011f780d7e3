// A private RabbitMQ node that speaks TLS.

import {
  CertificateAuthority,
  type CertificateFiles,
  type CertificateOptions,
  opensslMissing,
} from "./certificates.ts";
import { freePort, isListening } from "./ports.ts";
import {
  type RabbitMq,
  rabbitMqTest,
  startRabbitMq,
  type TestFunction,
} from "./rabbitmq.ts";
import { waitUntil } from "./wait.ts";

/** A node with a port for TLS beside the plain one. */
export interface TlsRabbitMq extends AsyncDisposable {
  readonly rabbitMq: RabbitMq;
  /** Of TLS, on 127.0.0.1. */
  readonly port: number;
  /** Issues the node's certificates, and those that it accepts. */
  readonly authority: CertificateAuthority;
  /** Gives the node another certificate. */
  show(options: CertificateOptions): Promise<void>;
}

/** Registers a test that needs RabbitMQ and openssl. */
export function tlsTest(name: string, fn: TestFunction): void {
  rabbitMqTest(name, { needs: [opensslMissing()] }, fn);
}

/**
 * Starts a node with a certificate for localhost; about 7 s.
 *
 * @param options `mutual`: whoever connects must show a certificate too;
 * `config` and `plugins`: further ones
 */
export async function startTlsRabbitMq(
  options: { mutual?: boolean; config?: string; plugins?: string[] } = {},
): Promise<TlsRabbitMq> {
  const { mutual = false, plugins } = options;
  const authority = await CertificateAuthority.create();
  const shown = await authority.issue({ names: ["DNS:localhost"] });
  const port = freePort();
  const config = [
    `listeners.ssl.local = 127.0.0.1:${port}`,
    `ssl_options.cacertfile = ${authority.cert}`,
    `ssl_options.certfile = ${shown.cert}`,
    `ssl_options.keyfile = ${shown.key}`,
    `ssl_options.verify = verify_${mutual ? "peer" : "none"}`,
    `ssl_options.fail_if_no_peer_cert = ${mutual}`,
    options.config ?? "",
  ].join("\n");
  const rabbitMq = await startRabbitMq({ config, plugins });
  // A node opens its ports one after the other, the plain one first.
  await waitUntil("the port for TLS", () => isListening(port), 20_000);
  return {
    rabbitMq,
    port,
    authority,
    show: async (options) => {
      await replace(shown, await authority.issue(options));
      // It is read again then, as after a renewal.
      await rabbitMq.ctl("eval", "ssl:clear_pem_cache().");
    },
    [Symbol.asyncDispose]: async () => {
      await rabbitMq[Symbol.asyncDispose]();
      await authority[Symbol.asyncDispose]();
    },
  };
}

async function replace(
  old: CertificateFiles,
  by: CertificateFiles,
): Promise<void> {
  await Deno.rename(by.cert, old.cert);
  await Deno.rename(by.key, old.key);
}
