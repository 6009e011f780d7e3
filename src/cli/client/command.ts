/**
 * `rabbit-rpc client`: sends requests and prints the replies.
 *
 * @module
 */
import type { RpcError } from "../../rpc/errors.ts";
import { EXIT, exitStatusOf } from "../exit_status.ts";
import { Log } from "../log.ts";
import { readsConnectionFiles, writesFile } from "../permissions.ts";
import { sentence } from "../advice.ts";
import { onStopSignal, stoppedStatus } from "../signals.ts";
import { OrderedOutput, writeReply } from "../stdio/ordered_output.ts";
import { isStdin } from "../stdio/paths.ts";
import type { Subcommand } from "../subcommand.ts";
import { Caller, type Outcome } from "./caller.ts";
import { ClientConnection } from "./connection.ts";
import {
  addClientFlags,
  batchFlag,
  callOptions,
  type ClientFlags,
} from "./flags.ts";
import { checkInput, readBody } from "./input.ts";
import { outcomeJson } from "./json_lines.ts";

const EXAMPLES = `
Examples:
  rabbit-rpc client rpc_queue 30
  rabbit-rpc client rpc_queue @request.json -H trace:on --type resize -t 5s
  seq 30 | rabbit-rpc client rpc_queue --lines --concurrency 100 --json`;

/** There is always one call in flight; the program ends with it. */
const ONE_CALL = { inFlight: 1, ended: 0 };

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

/** Makes the call, prints the reply and returns the exit status. */
async function callOnce(
  queue: string,
  argument: string | undefined,
  flags: ClientFlags,
): Promise<number> {
  await using connection = await ClientConnection.create(queue, flags);
  const body = await readBody(argument);
  const canceling = new AbortController();
  let stoppedBy: Deno.Signal | undefined;
  using _signals = onStopSignal((_, signal) => {
    canceling.abort(stoppedBy ??= signal);
  });
  using _watch = connection.watch(queue, flags, ONE_CALL);
  const options = { ...callOptions(flags), signal: canceling.signal };
  const caller = new Caller(connection.rpc, queue, options);
  const outcome = await caller.call({ id: 1, body });
  await printOutcome(outcome, flags);
  if (outcome.error === undefined) return EXIT.ok;
  reportFailure(outcome.error, queue, flags);
  return stoppedBy ? stoppedStatus(stoppedBy) : exitStatusOf(outcome.error);
}

async function printOutcome(
  outcome: Outcome,
  { json }: ClientFlags,
): Promise<void> {
  if (json) {
    const output = new OrderedOutput();
    output.add(outcomeJson(outcome));
    await output.flushed();
  } else if (outcome.body) {
    await writeReply(outcome.body);
  }
}

function reportFailure(
  error: RpcError,
  queue: string,
  flags: ClientFlags,
): void {
  const message = sentence(error, { queue, timeoutMs: flags.timeout });
  const status = exitStatusOf(error);
  new Log(flags).failure(error, message, { status });
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
