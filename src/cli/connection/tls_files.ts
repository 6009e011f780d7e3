/**
 * The certificates and keys that the flags for `amqps://` name.
 *
 * @module
 */
import type { TlsOptions } from "../../amqp/tls/tls.ts";
import type { TlsFlags } from "../flags/common.ts";
import { readFile } from "../stdio/read_file.ts";

/**
 * Reads the files; undefined if none of these flags is given.
 *
 * @throws {CliError} 66 if a file can't be read.
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
