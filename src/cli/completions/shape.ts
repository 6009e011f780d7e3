/**
 * What a shell has to know of the command line, whatever the shell.
 *
 * @module
 */
import { type Command, Help } from "commander";

/** A subcommand. */
export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagShape[];
  /** What its first argument may be; empty where that is open. */
  readonly choices: readonly string[];
}

/** A flag. */
export interface FlagShape {
  /** With dashes, `--timeout`. */
  readonly long: string;
  /** With a dash, `-t`. */
  readonly short: string | undefined;
  readonly description: string;
  /** What follows it; undefined for a switch. */
  readonly value: ValueShape | undefined;
}

/** What follows a flag. */
export interface ValueShape {
  readonly isFile: boolean;
  /** Empty where it is not known. */
  readonly choices: readonly string[];
}

/** The subcommands that help shows too. */
export function shapesOf(program: Command): CommandShape[] {
  const help = new Help();
  return help.visibleCommands(program)
    .filter((command) => command.name() !== "help")
    .map((command) => ({
      name: command.name(),
      summary: help.subcommandDescription(command),
      flags: help.visibleOptions(command).map((option) => ({
        long: option.long!,
        short: option.short,
        description: option.description,
        value: option.required
          ? {
            isFile: option.flags.endsWith("<file>"),
            choices: option.argChoices ?? [],
          }
          : undefined,
      })),
      choices: command.registeredArguments[0]?.argChoices ?? [],
    }));
}

/** Both names of a flag. */
export function namesOf({ long, short }: FlagShape): string[] {
  return short === undefined ? [long] : [short, long];
}

/** The flags of the program itself. */
export const OWN_FLAGS = ["--help", "--version"];
