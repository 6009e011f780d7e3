// Our program, run as a user would: from source, or as an executable.

import {
  type ProcessOptions,
  type Result,
  type Running,
  runProcess,
  type StartOptions,
  startProcess,
} from "./process.ts";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname ?? ".", "../..");

/**
 * Runs the program to its end. `args` starts with the subcommand.
 *
 * With `RABBIT_RPC_BIN` it is that executable. Otherwise it is run from source,
 * with the permissions of the task of deno.json that has the subcommand's name
 * (of "client" where there is none).
 *
 * @throws Error with its output if it runs longer than `timeoutMs` (30 s).
 */
export async function run(
  args: string[],
  options: ProcessOptions = {},
): Promise<Result> {
  const [command, ...rest] = await commandLine(args);
  return await runProcess(command, rest, options);
}

/** Starts the program, as `run` does. */
export async function start(
  args: string[],
  options: StartOptions = {},
): Promise<Running> {
  const [command, ...rest] = await commandLine(args);
  return startProcess(command, rest, options);
}

export async function commandLine(
  args: string[],
): Promise<[string, ...string[]]> {
  const executable = Deno.env.get("RABBIT_RPC_BIN");
  if (executable) return [resolve(executable), ...args];
  return await sourceCommandLine(args);
}

/** The command line that runs it from source, whatever else there is. */
export async function sourceCommandLine(
  args: string[],
): Promise<[string, ...string[]]> {
  const config = `${ROOT}/deno.json`;
  const flags = taskFlags(await Deno.readTextFile(config), args[0]);
  const source = `${ROOT}/main.ts`;
  return [
    Deno.execPath(),
    "run",
    // "Download ..." of a cold cache is no output of the program.
    "--quiet",
    "--config",
    config,
    ...flags,
    source,
    ...args,
  ];
}

/**
 * The flags between "deno run" and "main.ts" in a task of deno.json: in that
 * of the subcommand, where there is one of that form, else in that of "client".
 *
 * @throws Error if neither task has that form.
 */
export function taskFlags(config: string, subcommand = ""): string[] {
  const tasks: Record<string, string | { command?: string } | undefined> =
    JSON.parse(config).tasks ?? {};
  const flags = [tasks[subcommand], tasks.client]
    .map((task) => typeof task === "string" ? task : task?.command)
    .map((command) => command?.match(/\bdeno run (.* )main\.ts\b/)?.[1])
    .find((flags) => flags !== undefined);
  if (flags === undefined) {
    throw new Error(
      `deno.json has no task "${subcommand}" or "client" of the form ` +
        `"deno run FLAGS main.ts ..."`,
    );
  }
  return flags.split(" ").filter((flag) => flag !== "").map(unquoted);
}

/** A word as the shell passes it on that deno.json writes it for. */
function unquoted(word: string): string {
  return word.replaceAll("'", "");
}
