/**
 * Errors of files and of the program's own streams.
 *
 * @module
 */
import { CliError, EXIT } from "../exit_status.ts";

/** The error for a file that can't be read; `name` is its path, quoted. */
export function cannotRead(name: string, error: unknown): CliError {
  return fileError("read", name, error);
}

/** The error for a file that can't be written; `name` is its path, quoted. */
export function cannotWrite(name: string, error: unknown): CliError {
  return fileError("write", name, error);
}

/** The error for stdin or stdout; `attempt` is `read stdin`, for example. */
export function streamError(attempt: string, error: unknown): CliError {
  const reason = systemReason(error);
  return new CliError(EXIT.io, `cannot ${attempt}: ${reason}.`, error);
}

/** The system's message, without the error number and the path. */
export function systemReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith("Requires all access")) {
    return "Deno opens it only with --allow-all, unless it is a pipe";
  }
  return message.replace(/ \(os error \d+\).*$/s, "");
}

function fileError(verb: string, name: string, error: unknown): CliError {
  const reason = systemReason(error);
  return new CliError(EXIT.unreadable, `cannot ${verb} ${name}: ${reason}.`);
}
