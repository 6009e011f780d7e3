/**
 * The certificates and keys that the flags for `amqps://` name.
 *
 * @module
 */
import type { TlsOptions } from "../../amqp/tls/tls.ts";
import { readFile } from "../stdio/read_file.ts";

/** The flags for `amqps://`. */
export interface TlsFlags {
  cacert?: string;
  cert?: string;
  key?: string;
  servername?: string;
  insecure?: boolean;
}

/**
 * Reads the files. Undefined where no flag is given.
 *
 * @throws {CliError} 66 where one can't be read.
 */
export async function tlsOptions(
  flags: TlsFlags,
): Promise<TlsOptions | undefined> {
  const { cacert, cert, key, servername, insecure } = flags;
  const options: TlsOptions = {};
  if (cacert) options.caCert = await readFile(cacert);
  if (cert) options.cert = await readFile(cert);
  if (key) options.key = await readFile(key);
  if (servername) options.servername = servername;
  if (insecure) options.insecure = true;
  return Object.keys(options).length > 0 ? options : undefined;
}
