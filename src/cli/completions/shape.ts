/**
 * What a completion script needs to know about the command line.
 *
 * @module
 */
import { type Command, Help } from "commander";

/** A subcommand. */
export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagShape[];
  /** Possible first arguments; empty if anything may follow. */
  readonly choices: readonly string[];
}

/** A flag. */
export interface FlagShape {
  /** With dashes: `--timeout`. */
  readonly long: string;
  /** With a dash: `-t`. */
  readonly short: string | undefined;
  readonly description: string;
  /** The value of the flag; undefined for a switch. */
  readonly value: ValueShape | undefined;
}

/** The value of a flag. */
export interface ValueShape {
  readonly isFile: boolean;
  /** Empty if anything may follow. */
  readonly choices: readonly string[];
}

/** The subcommands, without hidden ones. */
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

/** The names of a flag, short and long. */
export function namesOf({ long, short }: FlagShape): string[] {
  return short === undefined ? [long] : [short, long];
}

/** Flags of the program itself. */
export const OWN_FLAGS = ["--help", "--version"];
