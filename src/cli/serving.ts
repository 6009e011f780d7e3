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
} from "../procedures/builtin.ts";
import type { Service } from "../procedures/service.ts";
import { CliError, EXIT } from "./exit_status.ts";
import { flag, parseCount } from "./flags.ts";
import {
  addModuleFlags,
  type ModuleFlags,
  openModuleFlags,
} from "./module_flags.ts";

/** What to serve, and how it runs. */
export interface ServingFlags extends ModuleFlags {
  builtin?: BuiltinName;
}

/** Adds the flags that say what to serve. */
export function addServingFlags(command: Command): Command {
  command.addOption(
    flag("--builtin <name>", "serve what comes with the program")
      .choices(BUILTIN_NAMES),
  );
  return addModuleFlags(command)
    .addOption(
      flag("--workers <n>", "worker threads; 0: the main thread")
        .argParser(parseCount(0))
        .default(null, "cores for fib, 0 for a module"),
    );
}

/**
 * What the flags ask for, ready to run.
 *
 * @throws {CliError} where that is not exactly one thing, or it can't be run.
 */
export async function openService(flags: ServingFlags): Promise<Service> {
  const { builtin, module, workers } = flags;
  if ((builtin === undefined) === (module === undefined)) {
    throw new CliError(
      EXIT.usage,
      "a server runs one thing: give exactly one of --builtin NAME, " +
        "--module FILE.",
    );
  }
  if (module !== undefined) return await openModuleFlags(module, flags);
  return createBuiltin(builtin!, {
    workers: workers ?? navigator.hardwareConcurrency,
  });
}
