/**
 * The flags of a server that say what a missing request queue is to be.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from "commander";
import type { QueueDeclaration } from "../../rpc/transport.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { flag } from "../flags/common.ts";

/** Those flags. */
export interface QueueFlags {
  declare: "auto" | "passive";
  queueType: "classic" | "quorum";
  deadLetter?: string;
  queueArg: NonNullable<QueueDeclaration["arguments"]>;
}

/** Adds them. */
export function addQueueFlags(command: Command): Command {
  return command
    .addOption(
      flag("--declare <mode>", "a missing queue: declare it, or wait for it")
        .choices(["auto", "passive"]).default("auto"),
    )
    .addOption(
      flag("--queue-type <type>", "type of a queue that is declared")
        .choices(["classic", "quorum"]).default("classic"),
    )
    .addOption(
      flag("--dead-letter <exchange>", "where a declared queue sends drops"),
    )
    .addOption(
      flag("--queue-arg <name=value>", "an argument of a declared queue")
        .argParser(parseQueueArguments).default({}, "none"),
    );
}

/** A comma where another name and its value follow. */
const BETWEEN = /,(?=[^,="]+=)/;

/**
 * `x-max-priority=10`, or several separated by commas; a flag that is repeated
 * adds to those before. A value that is a number, `true`, `false` or text in
 * quotes in JSON is just that; anything else is text as it stands.
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
      `A number has 64 bits at most; for text write '"${text}"'.`,
    );
  }
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Arguments that other flags stand for. */
const FLAGS = {
  "x-queue-type": ["--queue-type", "queueType"],
  "x-dead-letter-exchange": ["--dead-letter", "deadLetter"],
} as const;

/**
 * What the flags say of a queue.
 *
 * @throws {CliError} where two of them contradict each other.
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
        `say it by ${other} alone.`,
    );
  }
  return {
    mode: declare,
    type: queueType,
    deadLetterExchange: deadLetter,
    arguments: queueArg,
  };
}
