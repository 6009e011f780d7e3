/**
 * The flags for the declaration of the request queue.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from "commander";
import type { QueueDeclaration } from "../../rpc/transport.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { flag } from "../flags/flag.ts";

/** The flags. */
export interface QueueFlags {
  declare: "auto" | "passive";
  queueType: "classic" | "quorum";
  deadLetter?: string;
  queueArg: NonNullable<QueueDeclaration["arguments"]>;
}

/** Adds the flags. */
export function addQueueFlags(command: Command): Command {
  return command
    .addOption(
      flag(
        "--declare <mode>",
        "whether to declare a missing queue or wait for it",
      )
        .choices(["auto", "passive"]).default("auto"),
    )
    .addOption(
      flag("--queue-type <type>", "type of the queue, if it is declared")
        .choices(["classic", "quorum"]).default("classic"),
    )
    .addOption(
      flag(
        "--dead-letter <exchange>",
        "dead-letter exchange of the queue, if it is declared",
      ),
    )
    .addOption(
      flag(
        "--queue-arg <name=value>",
        "argument of the queue, if it is declared; may be repeated",
      )
        .argParser(parseQueueArguments).default({}, "none"),
    );
}

/** A comma that is followed by another name and value. */
const BETWEEN = /,(?=[^,="]+=)/;

/**
 * Parses `x-max-priority=10`, or several separated by commas; a repeated flag
 * adds to those before. A number, `true`, `false` or quoted text is read as
 * JSON, anything else as text.
 */
export function parseQueueArguments(
  text: string,
  previous: QueueFlags["queueArg"],
): QueueFlags["queueArg"] {
  const args = { ...previous };
  for (const pair of text.split(BETWEEN)) {
    const equals = pair.indexOf("=");
    if (equals < 1) {
      throw new InvalidArgumentError("It must be name=value.");
    }
    args[pair.slice(0, equals)] = parseValue(pair.slice(equals + 1));
  }
  return args;
}

const INTEGER = /^-?\d+$/;

function parseValue(text: string): string | number | bigint | boolean {
  if (INTEGER.test(text)) return parseInteger(text);
  try {
    const value = JSON.parse(text);
    return ["string", "number", "boolean"].includes(typeof value)
      ? value
      : text;
  } catch {
    return text;
  }
}

function parseInteger(text: string): number | bigint {
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) {
    throw new InvalidArgumentError(
      `A number must fit into 64 bits; for text, write '"${text}"'.`,
    );
  }
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Arguments that have a flag of their own. */
const FLAGS = {
  "x-queue-type": ["--queue-type", "queueType"],
  "x-dead-letter-exchange": ["--dead-letter", "deadLetter"],
} as const;

/**
 * The declaration that the flags ask for.
 *
 * @throws {CliError} if two of them contradict each other.
 */
export function queueDeclaration(flags: QueueFlags): QueueDeclaration {
  const { declare, queueType, deadLetter, queueArg } = flags;
  for (const [name, [other, key]] of Object.entries(FLAGS)) {
    if (!Object.hasOwn(queueArg, name)) continue;
    const [given, said] = [queueArg[name], flags[key]];
    if (said === undefined || given === said) continue;
    throw new CliError(
      EXIT.usage,
      `--queue-arg ${name}=${given} contradicts ${other} ${said}; ` +
        `use ${other} alone.`,
    );
  }
  return {
    mode: declare,
    type: queueType,
    deadLetterExchange: deadLetter,
    arguments: queueArg,
  };
}
