/**
 * Reports why the program fails: one line on stderr, and the exit status.
 *
 * @module
 */
import { type Command, CommanderError } from "commander";
import { RpcError } from "../rpc/errors.ts";
import { CliError, EXIT, exitStatusOf } from "./exit_status.ts";
import { withOrigin } from "./flags/origins.ts";
import { Log } from "./log.ts";

/** Logs the error; the command is the one that ran, if any did. */
export function reportFailure(
  error: unknown,
  command: Command | undefined,
): number {
  const log = new Log(command?.opts());
  if (error instanceof CommanderError) {
    // Without arguments the help, on stderr, says it all.
    if (error.code !== "commander.help") {
      log.error(usageMessage(error, command), { status: EXIT.usage });
    }
    return EXIT.usage;
  }
  const [status, message] = describe(error, command);
  // The message of a CliError repeats that of its cause in other words.
  const cause = error instanceof CliError ? error.cause : error;
  log.failure(cause, message, { status });
  return status;
}

function usageMessage(
  { code, message }: CommanderError,
  command: Command | undefined,
): string {
  const mistake = message.replace(/^error: /, "");
  const isBody = code === "commander.unknownOption" &&
    command?.name() === "client" && !mistake.includes("Did you mean");
  const word = isBody && /^unknown option '(.*)'$/s.exec(mistake)?.[1];
  return word ? `${mistake}. To send "${word}", write -- ${word}.` : mistake;
}

function describe(
  error: unknown,
  command: Command | undefined,
): [status: number, message: string] {
  if (error instanceof CliError) return [error.status, error.message];
  if (error instanceof Deno.errors.NotCapable) {
    return [EXIT.refused, `a Deno permission is missing. ${error.message}.`];
  }
  if (error instanceof RangeError) {
    return [EXIT.usage, `${withOrigin(error.message, command)}.`];
  }
  if (error instanceof RpcError) {
    return [exitStatusOf(error), `${error.message}.`];
  }
  const stack = error instanceof Error ? error.stack : String(error);
  return [EXIT.bug, `this is a bug in rabbit-rpc: ${stack}`];
}
