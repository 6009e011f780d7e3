/**
 * Runs a command as a child process with our streams and our signals.
 *
 * @module
 */
import { CliError, EXIT } from "../exit_status.ts";
import { isAtTerminal } from "../hang_up.ts";
import { onStopSignal } from "../signals.ts";
import { systemReason } from "../stdio/file_errors.ts";

/** A shell adds this to the number of the signal that ended a command. */
const SIGNALED = 128;

/** A terminal sends these to all its processes, the child included. */
const FROM_TERMINAL: Deno.Signal[] = ["SIGINT", "SIGHUP"];

/**
 * Runs a command and returns its exit status, as a shell would.
 *
 * @throws {CliError} 127 if there is no such command, 126 if it can't be run.
 */
export async function runChild(
  [program, ...args]: string[],
  env: Record<string, string>,
): Promise<number> {
  // Checked now: once it is closed, a terminal is no longer one.
  const itsOwn = isAtTerminal() ? FROM_TERMINAL : [];
  using _signals = onStopSignal((_, signal) => {
    if (!itsOwn.includes(signal)) forward(child, signal);
  });
  // After the listeners: the child may cause a signal at once.
  const child = spawn(program!, args, env);
  const { code, signal } = await child.status;
  return signal === null || code > SIGNALED ? code : SIGNALED + code;
}

function spawn(
  program: string,
  args: string[],
  env: Record<string, string>,
): Deno.ChildProcess {
  try {
    const inherit = { stdin: "inherit", stdout: "inherit", stderr: "inherit" };
    return new Deno.Command(program, {
      args,
      env,
      ...inherit as Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr">,
    }).spawn();
  } catch (error) {
    throw notRun(program, error);
  }
}

function notRun(program: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotCapable) return error;
  if (error instanceof Deno.errors.NotFound) {
    return new CliError(
      EXIT.commandNotFound,
      `cannot run "${program}": there is no such command.`,
    );
  }
  const why = error instanceof Deno.errors.PermissionDenied
    ? "it is not executable"
    : systemReason(error);
  return new CliError(
    EXIT.commandNotRun,
    `cannot run "${program}": ${why}.`,
    error,
  );
}

function forward(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended, and its status is about to arrive.
    if (!(error instanceof TypeError)) throw error;
  }
}
