/**
 * The settings of a connection, from flags and from the files that they name.
 *
 * @module
 */
import {
  type ConnectHooks,
  type ConnectOptions,
  type ConnectSettings,
  connectSettings,
} from "../../amqp/options.ts";
import type { ClientOptions } from "../../rpc/calling/client_options.ts";
import type { CommonFlags } from "../flags/common.ts";
import { Log } from "../log.ts";
import { cannotRead } from "../stdio/file_errors.ts";
import { reportConnection } from "./events.ts";
import { readPasswordFile } from "./password_file.ts";
import { tlsOptions } from "./tls_files.ts";

/** How often the password file is read while connected. */
const PASSWORD_POLL_MS = 5_000;

/**
 * The options for a connection; `name` identifies it at the broker. Events are
 * logged, unless `onEvent` takes them.
 *
 * @throws {CliError} 66 if a file can't be read.
 */
export async function connectOptions(
  flags: CommonFlags,
  name: string,
  onEvent: ConnectHooks["onEvent"] = (event) => reportConnection(event, flags),
): Promise<ConnectOptions & ClientOptions & ConnectHooks> {
  const options: ConnectOptions & ClientOptions & ConnectHooks = {
    name: `rabbit-rpc ${name}`,
    password: flags.passwordFile
      ? await readPasswordFile(flags.passwordFile)
      : flags.password,
    passwordPollMs: PASSWORD_POLL_MS,
    tls: await tlsOptions(flags),
    connectTimeoutMs: flags.connectTimeout ?? undefined,
    heartbeatMs: flags.heartbeat ?? undefined,
    onEvent,
  };
  return flags.telemetry?.connecting(options) ?? options;
}

/**
 * The settings from the URL and these options.
 *
 * @throws {RangeError} if a value is out of range.
 * @throws {CliError} 66 if a file that the URL names can't be read.
 */
export function settingsFor(
  flags: CommonFlags,
  options: ConnectOptions & ConnectHooks,
): ConnectSettings {
  const settings = connectSettings(flags.url, options, readFileOfUrl);
  if (settings.brokers.some(({ tlsSettings }) => tlsSettings.insecure)) {
    const cause = options.tls?.insecure ? "--insecure" : "verify=verify_none";
    new Log(flags).warn(
      `${cause}: anyone who answers in the broker's place gets the password`,
    );
  }
  return settings;
}

function readFileOfUrl(path: string, parameter: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    throw cannotRead(`"${path}", the ${parameter} of --url`, error);
  }
}
