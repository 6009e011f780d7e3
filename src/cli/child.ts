/**
 * Runs a command as a child that has our streams and gets our signals.
 *
 * @module
 */
import { CliError, EXIT } from "./exit_status.ts";
import { onSignal } from "./signals.ts";

/** What a shell adds to the number of the signal that ended a command. */
const SIGNALED = 128;

/**
 * Runs a command to its end and returns its status, as a shell would.
 *
 * @throws {CliError} 127 where there is no such command.
 */
export async function runChild(
  [program, ...args]: string[],
  env: Record<string, string>,
): Promise<number> {
  const child = spawn(program!, args, env);
  using _signals = onSignal(
    ["SIGINT", "SIGTERM"],
    (_, signal) => child.kill(signal),
  );
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
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CliError(
      EXIT.commandNotFound,
      `cannot run "${program}": there is no such command`,
    );
  }
}
