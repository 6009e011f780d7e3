/**
 * The error to report for a call or a connection that has failed.
 *
 * @module
 */
import { RpcError } from "../rpc/errors.ts";
import { CliError, exitStatusOf } from "./exit_status.ts";
import { type CallSubject, sentence } from "./advice.ts";

/** Adds the exit status and the advice to an error. */
export function callError(thrown: unknown, subject: CallSubject): CliError {
  if (thrown instanceof CliError) return thrown;
  const error = RpcError.from(thrown);
  return new CliError(exitStatusOf(error), sentence(error, subject), error);
}
