/**
 * Settings of a connection, with the files that a URL names.
 *
 * @module
 */
import {
  type ConnectOptions,
  type ConnectSettings,
  connectSettings,
} from "../../amqp/options.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { systemReason } from "../stdio/streams.ts";
import { Log, type LogFlags } from "../log.ts";

/**
 * Those of the URL and the options.
 *
 * @throws {RangeError} where one is out of its range.
 * @throws {CliError} 66 where a file can't be read.
 */
export function settingsFor(
  flags: LogFlags & { url: string },
  options: ConnectOptions,
): ConnectSettings {
  const settings = connectSettings(flags.url, options, readFileOfUrl);
  if (settings.brokers.some(({ tlsSettings }) => tlsSettings.insecure)) {
    const cause = options.tls?.insecure ? "--insecure" : "verify=verify_none";
    new Log(flags).warn(
      `${cause}: whoever answers as the broker learns the password`,
    );
  }
  return settings;
}

function readFileOfUrl(path: string, parameter: string): Uint8Array {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    throw new CliError(
      EXIT.unreadable,
      `cannot read "${path}", the ${parameter} of --url: ` +
        `${systemReason(error)}.`,
    );
  }
}
