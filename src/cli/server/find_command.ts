/**
 * Finds the program of a command at the start, as a shell does.
 *
 * @module
 */
import type { CommandLine } from "../../procedures/command/process_group.ts";
import { CliError, EXIT } from "../exit_status.ts";

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";
const EXECUTABLE = 0o111;

/**
 * The command line with the path of its program: found in the search path
 * (`PATH`), or the name itself if it has a slash.
 *
 * @throws {CliError} 66 if there is no such executable.
 */
export async function findCommand(
  [name = "", ...args]: string[],
  searchPath: string = Deno.env.get("PATH") ?? DEFAULT_PATH,
): Promise<CommandLine> {
  const isPath = name.includes("/");
  for (const path of isPath ? [name] : placesOf(name, searchPath)) {
    if (await isExecutable(path)) return { name, path, args };
  }
  const why = isPath
    ? "there is no executable file of that name"
    : "there is no such command in PATH";
  throw new CliError(EXIT.unreadable, `cannot run "${name}": ${why}.`);
}

function placesOf(name: string, searchPath: string): string[] {
  // An empty entry is the current folder, as in a shell.
  return searchPath.split(":").map((folder) => `${folder || "."}/${name}`);
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? EXECUTABLE) & EXECUTABLE) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    // It is missing, or its folder can't be entered.
    return false;
  }
}
