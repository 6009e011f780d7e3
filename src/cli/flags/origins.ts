/**
 * Where the value of a flag comes from, when it was not given: told in help
 * and in errors.
 *
 * @module
 */
import { type Command, Help, type Option } from "commander";
import { DEFAULT_URL } from "../../amqp/options.ts";

/** What commander calls the sources that are nothing to tell. */
const SILENT_SOURCES = new Set(["cli", "default", "implied"]);

/** `RABBIT_RPC_TIMEOUT`, `context "prod"`; undefined for a flag or a default. */
function originOf(command: Command, option: Option): string | undefined {
  const key = option.attributeName();
  const source = command.getOptionValueSource(key);
  if (source === "env") return option.envVar;
  if (source !== undefined && !SILENT_SOURCES.has(source)) return source;
  const isOthers = key === "url" && source === "default" &&
    command.getOptionValue(key) !== DEFAULT_URL;
  return isOthers ? "AMQP_URL" : undefined;
}

/** Lets the help of a command tell which flags are set already, and where. */
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

/** A message that begins with the name of an option, and its origin. */
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
