/**
 * Where requests come from: the argument, a file, or stdin.
 *
 * @module
 */
import { CliError, EXIT } from "../exit_status.ts";
import { isStdin } from "../stdio/paths.ts";
import { readFile, readStdin } from "../stdio/read_file.ts";
import { batchFlag, type ClientFlags } from "./flags.ts";

/** The body of a request: the argument, `@FILE`, or stdin. */
export async function readBody(
  argument: string | undefined,
): Promise<Uint8Array> {
  if (argument === undefined) return await readStdin();
  if (argument.startsWith("@")) return await readFile(argument.slice(1));
  return new TextEncoder().encode(argument);
}

/** Whether a flag is on the command line, rather than set once for all calls. */
type IsGiven = (name: keyof ClientFlags) => boolean;

/**
 * Checks that argument, flags and stdin go together.
 *
 * @throws {CliError} 64 if they do not.
 */
export function checkInput(
  body: string | undefined,
  flags: ClientFlags,
  isGiven: IsGiven,
): void {
  const batch = batchFlag(flags);
  if (batch !== undefined && body !== undefined) {
    throw usage(
      `${batch} reads the requests from stdin: remove the argument`,
    );
  }
  if (batch === undefined && flags.failed !== undefined) {
    throw usage(
      "--failed is for a batch of requests: add --lines, --null or --input",
    );
  }
  checkStreamFlags(flags, isGiven);
  checkStdin(body, flags);
  if (batch === undefined && body === undefined && Deno.stdin.isTerminal()) {
    throw usage("no request: give it as an argument, @FILE or on stdin");
  }
}

function checkStreamFlags(flags: ClientFlags, isGiven: IsGiven): void {
  if (isGiven("progress") && batchFlag(flags) !== undefined) {
    throw usage("--progress is for one call; a batch shows its own progress");
  }
  if (!flags.stream) {
    if (isGiven("idleTimeout")) throw usage("--idle-timeout needs --stream");
    if (isGiven("restart")) throw usage("--restart needs --stream");
    return;
  }
  if (isGiven("retries") || isGiven("attemptTimeout")) {
    throw usage("--retries is not for --stream; there is --restart skip");
  }
  if (isGiven("unordered") && !flags.json) {
    throw usage(
      "--stream with --unordered needs --json, which tells the requests apart",
    );
  }
}

/** Stdin can be read only once. */
function checkStdin(body: string | undefined, flags: ClientFlags): void {
  const { passwordFile, cacert, cert, key } = flags;
  const readers = [
    ["the password", passwordFile],
    ["--cacert", cacert],
    ["--cert", cert],
    ["--key", key],
    ["the request", body === undefined ? "-" : /^@(.*)/s.exec(body)?.[1]],
  ].filter(([, path]) => isStdin(path));
  const [first, second] = readers.map(([name]) => name);
  if (second === undefined) return;
  throw usage(`stdin can't be both ${first} and ${second}`);
}

function usage(message: string): CliError {
  return new CliError(EXIT.usage, message);
}
