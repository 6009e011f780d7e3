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
import { flag, parseCount } from "./flags.ts";

/** What to serve, and how it runs. */
export interface ServingFlags {
  builtin: BuiltinName;
  workers: number;
}

/** Adds the flags that say what to serve. */
export function addServingFlags(command: Command): Command {
  return command
    .addOption(
      flag("--builtin <name>", "what to serve")
        .choices(BUILTIN_NAMES).makeOptionMandatory(),
    )
    .addOption(
      flag("--workers <n>", "worker threads for fib; 0: the main thread")
        .argParser(parseCount(0))
        .default(navigator.hardwareConcurrency, "cores"),
    );
}

/** What the flags ask for, ready to run. */
export function openService(flags: ServingFlags): Service {
  return createBuiltin(flags.builtin, { workers: flags.workers });
}
