/**
 * What a server runs: a builtin, a module or a command.
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
import { flag } from "../flags/flag.ts";
import { MAX_WORKERS, parseCount } from "../flags/values.ts";
import {
  addModuleFlags,
  type ModuleFlags,
  openModuleFlags,
} from "./module_flags.ts";
import type { Log } from "../log.ts";

/** The flags that choose what to serve. */
export interface ServiceFlags extends ModuleFlags {
  builtin?: BuiltinName;
  /** The words after `--`. */
  command: string[];
  execLines?: boolean;
  stream?: "chunks" | "lines";
  concurrency: number | null;
  maxReply: number;
}

/** Adds the flags. */
export function addServiceFlags(command: Command): Command {
  command.addOption(
    flag("--builtin <name>", "serve a built-in procedure")
      .choices(BUILTIN_NAMES),
  );
  return addModuleFlags(command)
    .addOption(
      flag(
        "--exec-lines",
        "run the command only once, with a JSON line per request",
      ),
    )
    .addOption(
      flag(
        "--stream [unit]",
        "send stdout of the command as it comes, or line by line",
      )
        .choices(["chunks", "lines"]).preset("chunks"),
    )
    .addOption(
      flag("--workers <n>", "worker threads; 0 is the main thread")
        .argParser(parseCount(0, MAX_WORKERS))
        .default(null, "cores for fib, 0 for a module"),
    );
}

/** One way to say what to serve. */
interface Kind {
  /** The flag, for messages. */
  readonly usage: string;
  readonly isAsked: (flags: ServiceFlags) => boolean;
  readonly open: (flags: ServiceFlags, log: Log) => Service | Promise<Service>;
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
 * Opens what the flags ask for, ready to run.
 *
 * @throws {CliError} unless it is exactly one thing that exists.
 */
export async function openService(
  flags: ServiceFlags,
  log: Log,
): Promise<Service> {
  checkCommandFlags(flags);
  const [kind, ...others] = KINDS.filter(({ isAsked }) => isAsked(flags));
  if (kind === undefined || others.length > 0) {
    const usages = KINDS.map(({ usage }) => usage).join(", ");
    throw new CliError(
      EXIT.usage,
      `give exactly one of ${usages} to serve.`,
    );
  }
  return await kind.open(flags, log);
}

function checkCommandFlags(flags: ServiceFlags): void {
  const { command, execLines, stream } = flags;
  const usage = (message: string) => new CliError(EXIT.usage, message);
  const isCommand = command.length > 0;
  if (execLines && !isCommand) {
    throw usage("--exec-lines needs a command after --.");
  }
  if (stream && !isCommand) {
    throw usage(
      "--stream needs a command after --. Modules stream by generators.",
    );
  }
  if (stream && execLines) {
    throw usage(
      'with --exec-lines, the command streams by "item" lines, without --stream.',
    );
  }
}

async function openCommand(
  { command, execLines, stream, concurrency, maxReply }: ServiceFlags,
  log: Log,
): Promise<Service> {
  const found = await findCommand(command);
  const options = {
    log: (line: string) => log.warn(line),
    concurrency: concurrency ?? undefined,
    maxReplyBytes: maxReply,
  };
  if (execLines) return createExecLines(found, options);
  return createExec(found, { ...options, stream });
}
