/**
 * `rabbit-rpc client`: sends requests and prints the replies.
 *
 * @module
 */
import { readsConnectionFiles, writesFile } from "../permissions.ts";
import { isStdin } from "../stdio/paths.ts";
import type { Subcommand } from "../subcommand.ts";
import { addClientFlags, batchFlag, type ClientFlags } from "./flags.ts";
import { callOnce } from "./once.ts";
import { checkInput, readBody } from "./input.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc client rpc_queue @request.json -H trace:on --type resize -t 5s
  rabbit-rpc client llm --stream "Why is the sky blue?"
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
        const isDefault = command.getOptionValueSource("timeout") === "default";
        // A stream may go on for ever, unless it is told not to.
        if (flags.stream && isDefault) flags.timeout = Infinity;
        const given = (name: keyof ClientFlags) =>
          command.getOptionValueSource(name) === "cli";
        checkInput(body, flags, given);
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
