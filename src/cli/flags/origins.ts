/**
 * Says in help and in errors where the value of a flag comes from, if not from
 * the command line.
 *
 * @module
 */
import { type Command, Help, type Option } from "commander";
import { DEFAULT_URL } from "../../amqp/options.ts";

/** Commander's names of sources that are not worth a mention. */
const SILENT_SOURCES = new Set(["cli", "default", "implied"]);

/** `RABBIT_RPC_TIMEOUT`, `context "prod"`; undefined for a flag or default. */
function originOf(command: Command, option: Option): string | undefined {
  const key = option.attributeName();
  const source = command.getOptionValueSource(key);
  if (source === "env") return option.envVar;
  if (source !== undefined && !SILENT_SOURCES.has(source)) return source;
  const isFromAmqpUrl = key === "url" && source === "default" &&
    command.getOptionValue(key) !== DEFAULT_URL;
  return isFromAmqpUrl ? "AMQP_URL" : undefined;
}

/** Makes the help of a command show which flags are set already, and where. */
export function showOrigins(command: Command): void {
  const help = new Help();
  command.configureHelp({
    ...command.configureHelp(),
    optionDescription(option) {
      const description = help.optionDescription(option);
      const origin = originOf(command, option);
      return origin ? `${description} [set by ${origin}]` : description;
    },
  });
}

/** Adds the origin of a value to a message that begins with its option. */
export function withOrigin(
  message: string,
  command: Command | undefined,
): string {
  // The library's options have units in their names.
  const name = /^\w+/.exec(message)?.[0].replace(/(?:Ms|Bytes)$/, "");
  const option = command?.options.find((it) => it.attributeName() === name);
  const origin = option && originOf(command!, option);
  return origin ? `${message} (from ${origin})` : message;
}
