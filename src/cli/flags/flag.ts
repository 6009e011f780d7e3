/**
 * A flag of the command line, which an environment variable can set as well.
 *
 * @module
 */
import { type Command, Option } from "commander";
import {
  DEADLINE_VARIABLE,
  withholdHeaders,
} from "../../procedures/command/request_environment.ts";

/** The variable in which other programs look for the broker. */
export const URL_VARIABLE = "AMQP_URL";
/** There is no flag for a password: other users can see the arguments. */
export const PASSWORD_VARIABLE = "RABBIT_RPC_PASSWORD";

/** Values that turn a switch off. */
const OFF = new Set(["0", "false", "no"]);

/** The variable that sets a flag: `RABBIT_RPC_TIMEOUT` for `--timeout`. */
export function variableOf(option: Option): string {
  const name = option.long!.slice(2).toUpperCase().replaceAll("-", "_");
  return `RABBIT_RPC_${name}`;
}

/** A flag that the environment can set as well. */
export function flag(flags: string, description: string): Option {
  const option = new Option(flags, description);
  const variable = variableOf(option);
  const value = Deno.env.get(variable);
  // Commander would turn a switch on for any value, and take an empty one.
  const isOff = option.isBoolean() && value !== undefined && OFF.has(value);
  return isOff || value === "" ? option : option.env(variable);
}

/**
 * Removes the settings of a subcommand from the environment once they have
 * been read, so that child processes do not find credentials there.
 */
export function withholdSettings(command: Command): void {
  const names = command.options.map(({ envVar }) => envVar);
  const others = [URL_VARIABLE, PASSWORD_VARIABLE, DEADLINE_VARIABLE];
  for (const name of [...names, ...others]) {
    if (name !== undefined) Deno.env.delete(name);
  }
  withholdHeaders(Deno.env);
}
