/**
 * `rabbit-rpc client`: sends requests and prints the replies.
 *
 * @module
 */
import { CliError, EXIT } from "../exit_status.ts";
import { readsConnectionFiles, writesFile } from "../permissions.ts";
import { isStdin } from "../stdio/paths.ts";
import type { Subcommand } from "../subcommand.ts";
import { addClientFlags, batchFlag, type ClientFlags } from "./flags.ts";
import { callOnce, readBody } from "./once.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc client rpc_queue 30
  rabbit-rpc client rpc_queue @request.json -H trace:on --type resize -t 5s
  seq 30 | rabbit-rpc client rpc_queue --lines --concurrency 100 --json`;

/** The subcommand. */
export const client: Subcommand = {
  add(program, { done }) {
    const command = program.command("client")
      .summary("send requests and print the replies")
      .description(
        "Sends a request, or each line of stdin as a request, and prints the " +
          "replies.",
      )
      .argument("<queue>", "request queue")
      .argument(
        "[body]",
        "request body, or @FILE to read a file; default: stdin",
      )
      .addHelpText("after", EXAMPLES)
      .action(async (queue: string, body: string | undefined, flags) => {
        done(await runClient(queue, body, flags));
      });
    addClientFlags(command);
  },
  permissions(call) {
    const { failed, dryRun } = call.flags;
    const [, body] = call.args;
    const writes = writesFile(failed) && !dryRun;
    return {
      net: !dryRun,
      // To see that the file to write is not the input, it has to be looked at.
      read: readsConnectionFiles(call) || isFileBody(body) || writes,
      write: writes,
    };
  },
  outlivesTerminal: ({ flags }) => batchFlag(flags) !== undefined,
  isTraced: true,
};

function isFileBody(body: unknown): boolean {
  return typeof body === "string" && body.startsWith("@") &&
    !isStdin(body.slice(1));
}

async function runClient(
  queue: string,
  body: string | undefined,
  flags: ClientFlags,
): Promise<number> {
  checkInput(body, flags);
  if (flags.dryRun) return await printRequests(queue, body, flags);
  if (batchFlag(flags) === undefined) return await callOnce(queue, body, flags);
  const { runBatch } = await import("./batch/run.ts");
  return await runBatch(queue, flags);
}

async function printRequests(
  queue: string,
  argument: string | undefined,
  flags: ClientFlags,
): Promise<number> {
  const { dryRun, dryRunOfStdin } = await import("./batch/dry_run.ts");
  if (batchFlag(flags)) return await dryRunOfStdin(queue, flags);
  const body = await readBody(argument);
  const request = { id: 1, line: 1, record: body, body };
  return await dryRun(queue, [[request]], flags);
}

function checkInput(body: string | undefined, flags: ClientFlags): void {
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
  checkStdin(body, flags);
  if (batch === undefined && body === undefined && Deno.stdin.isTerminal()) {
    throw usage("no request: give it as an argument, @FILE or on stdin");
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
