/**
 * The choice of what a server runs.
 *
 * @module
 */
import type { Command } from "commander";
import {
  BUILTIN_NAMES,
  type BuiltinName,
  createBuiltin,
} from "../../procedures/builtin/catalog.ts";
import { createExec } from "../../procedures/command/exec.ts";
import { createExecLines } from "../../procedures/command/exec_lines.ts";
import type { Service } from "../../procedures/service.ts";
import { CliError, EXIT } from "../exit_status.ts";
import { findCommand } from "./find_command.ts";
import { flag, MOST_WORKERS, parseCount } from "../flags/common.ts";
import {
  addModuleFlags,
  type ModuleFlags,
  openModuleFlags,
} from "./module_flags.ts";
import type { Log } from "../log.ts";

/** What to serve, and how it runs. */
export interface ServingFlags extends ModuleFlags {
  builtin?: BuiltinName;
  /** The words after `--`. */
  command: string[];
  execLines?: boolean;
  concurrency: number | null;
  maxReply: number;
}

/** Adds the flags that say what to serve. */
export function addServingFlags(command: Command): Command {
  command.addOption(
    flag("--builtin <name>", "serve what comes with the program")
      .choices(BUILTIN_NAMES),
  );
  return addModuleFlags(command)
    .addOption(
      flag("--exec-lines", "one process of the command, JSON lines both ways"),
    )
    .addOption(
      flag("--workers <n>", "worker threads; 0: the main thread")
        .argParser(parseCount(0, MOST_WORKERS))
        .default(null, "cores for fib, 0 for a module"),
    );
}

/** One kind of what can be served. */
interface Kind {
  /** How it is asked for. */
  readonly usage: string;
  readonly isAsked: (flags: ServingFlags) => boolean;
  readonly open: (flags: ServingFlags, log: Log) => Service | Promise<Service>;
}

const KINDS: readonly Kind[] = [
  {
    usage: "--builtin NAME",
    isAsked: ({ builtin }) => builtin !== undefined,
    open: ({ builtin, workers }, log) =>
      createBuiltin(builtin!, {
        workers: workers ?? navigator.hardwareConcurrency,
        log: (line) => log.warn(line),
      }),
  },
  {
    usage: "--module FILE",
    isAsked: ({ module }) => module !== undefined,
    open: (flags, log) => openModuleFlags(flags.module!, flags, log),
  },
  {
    usage: "-- CMD",
    isAsked: ({ command }) => command.length > 0,
    open: openCommand,
  },
];

/**
 * What the flags ask for, ready to run.
 *
 * @throws {CliError} where that is not exactly one thing, or there is no such
 * command.
 */
export async function openService(
  flags: ServingFlags,
  log: Log,
): Promise<Service> {
  if (flags.execLines && flags.command.length === 0) {
    throw new CliError(EXIT.usage, "--exec-lines wants a command after --.");
  }
  const [kind, ...others] = KINDS.filter(({ isAsked }) => isAsked(flags));
  if (kind === undefined || others.length > 0) {
    const usages = KINDS.map(({ usage }) => usage).join(", ");
    throw new CliError(
      EXIT.usage,
      `a server runs one thing: give exactly one of ${usages}.`,
    );
  }
  return await kind.open(flags, log);
}

async function openCommand(
  { command, execLines, concurrency, maxReply }: ServingFlags,
  log: Log,
): Promise<Service> {
  const create = execLines ? createExecLines : createExec;
  return create(await findCommand(command), {
    log: (line) => log.warn(line),
    concurrency: concurrency ?? undefined,
    maxReplyBytes: maxReply,
  });
}
