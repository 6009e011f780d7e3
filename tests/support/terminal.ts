// A terminal for programs that behave differently at one.

import { isThere } from "./files.ts";
import { permissionsMissing } from "./needs.ts";
import { type Running, type StartOptions, startProcess } from "./process.ts";

const SCRIPT = "/usr/bin/script";

/** Ctrl-C, as a keyboard sends it. */
export const CTRL_C = "\x03";

/** Ctrl-D, which ends what is typed. */
export const CTRL_D = "\x04";

/** Why no terminal can be had here; undefined where it can. */
export function terminalMissing(): string | undefined {
  const permissions = permissionsMissing();
  if (permissions !== undefined) return permissions;
  if (isThere(SCRIPT)) return undefined;
  return `there is no ${SCRIPT}. On Debian: apt-get install bsdutils.`;
}

/**
 * Starts a program with a terminal as stdin, stdout and stderr, where
 * `redirections` of the shell do not say otherwise. What it writes, and the echo of what is typed, come together on stdout.
 */
export function startAtTerminal(
  words: readonly string[],
  options: StartOptions & { columns?: number; redirections?: string } = {},
): Running {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const size = options.columns ? `stty cols ${options.columns} rows 24;` : "";
  const { redirections = "" } = options;
  const command = `${size} exec ${quoted.join(" ")} ${redirections}`;
  const args = ["--quiet", "--return", "--command", command, "/dev/null"];
  return startProcess(SCRIPT, args, options);
}
